"""The methods that come with the package."""

from fleximodal.methods.registry import Method
from fleximodal.methods.settings import ConcatSettings, FuseMoESettings, HAIMSettings

_ROUTERS = {
    "joint": ("joint", "one router over all modalities, importance and load loss"),
    "disjoint": ("disjoint", "one router and one pool of experts per modality"),
}


def _gates() -> list[Method]:
    methods = []
    for gate in ("softmax", "gaussian", "laplace"):
        name = f"FuseMoE-{gate.capitalize()}"
        methods.append(
            Method(
                name,
                FuseMoESettings(gate=gate),
                f"FuseMoE, {gate} gate, one router per modality over shared experts, entropy loss",
            )
        )
        methods += [
            Method(
                f"{name}-{suffix}",
                FuseMoESettings(gate=gate, router=router),
                f"FuseMoE, {gate} gate, {words}",
            )
            for suffix, (router, words) in _ROUTERS.items()
        ]
    return methods


BUILTIN = [
    Method("HAIM", HAIMSettings(), "eleven statistics per channel, gradient-boosted trees"),
    Method("Concat", ConcatSettings(), "self-attention per modality, last steps concatenated"),
    *_gates(),
    Method(
        "FuseMoE-Laplace-per-step",
        FuseMoESettings(token="per_step"),
        "FuseMoE-Laplace that routes each point of the grid instead of the whole sequence",
    ),
    Method(
        "FuseMoE-Laplace-no-time-attention",
        FuseMoESettings(branches="regular"),
        "FuseMoE-Laplace on the imputed hourly grid alone, without multi-time attention",
    ),
    Method(
        "FuseMoE-Laplace-no-missing-embedding",
        FuseMoESettings(missing_embedding="zero"),
        "FuseMoE-Laplace with zeros instead of a learned embedding for an absent modality",
    ),
]
