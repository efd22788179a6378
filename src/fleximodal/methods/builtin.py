"""The methods that come with the package."""

from fleximodal.methods.baseline_settings import (
    MAGSettings,
    MISTSSettings,
    MulTSettings,
    TFSettings,
)
from fleximodal.methods.comparators import COMPARATORS
from fleximodal.methods.flexmoe import FLEXMOE
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


def _numbers_of_experts() -> list[Method]:
    """Return the methods of figure 3(b): what is set here holds under every configuration."""
    return [
        Method(
            f"FuseMoE-Laplace-{number}-experts",
            FuseMoESettings(gate="laplace", router="per_modality", experts=number, top_k=4),
            f"FuseMoE-Laplace with {number} experts of which 4 are kept",
        )
        for number in (4, 8, 12, 16, 20, 24)
    ]


BUILTIN = [
    Method("HAIM", HAIMSettings(), "eleven statistics per channel, gradient-boosted trees"),
    Method(
        "MISTS",
        MISTSSettings(),
        "self- and cross-attention in turn; our extension averages over several other modalities",
    ),
    Method(
        "MulT",
        MulTSettings(),
        "crossmodal, then self encoders; our extension projects what several others send",
    ),
    Method(
        "MAG",
        MAGSettings(),
        "one modality's last step shifted by the other's; our extension adds several shifts",
    ),
    Method(
        "TF",
        TFSettings(),
        "outer product of last steps; our extension projects three and more first",
    ),
    Method("Concat", ConcatSettings(), "self-attention per modality, last steps concatenated"),
    Method(
        "Concat-LSTM",
        ConcatSettings(sequence_encoder="lstm"),
        "Concat with a bidirectional LSTM in the place of self-attention",
    ),
    Method(
        "Concat-CNN",
        ConcatSettings(sequence_encoder="cnn"),
        "Concat with a convolutional network in the place of self-attention",
    ),
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
    *_numbers_of_experts(),
    *FLEXMOE,
    *COMPARATORS,
]
