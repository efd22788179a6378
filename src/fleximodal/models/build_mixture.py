"""From settings of FuseMoE to its fusion step."""

from collections.abc import Sequence

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import FuseMoESettings
from fleximodal.models.entropy import EntropyForm
from fleximodal.models.mixture_step import MixtureStep
from fleximodal.models.router_loss import RouterLoss
from fleximodal.models.sparse_moe import SparseMoE
from fleximodal.models.windows import MicroBatch


def build_mixture(settings: FuseMoESettings, names: Sequence[str]) -> MixtureStep:
    """Return the step of one layer for the modalities `names`.

    Raises
    ------
    FleximodalError
        If the pools of disjoint routers have fewer experts than are kept.
    """
    joint, disjoint = settings.router == "joint", settings.router == "disjoint"
    top_k = settings.disjoint_top_k if disjoint else settings.top_k
    available = settings.experts // len(names) if disjoint else settings.experts
    if top_k > available:
        raise FleximodalError(
            f"{settings.experts} experts give each of {len(names)} modalities {available}, fewer "
            f"than disjoint_top_k {top_k}; raise experts or lower disjoint_top_k"
        )
    steps = settings.grid_steps
    token_width = settings.width * (steps if settings.token == "flattened" else 1)
    return MixtureStep(
        names=names,
        steps=steps,
        width=settings.width,
        moe=SparseMoE(
            design=settings.router,
            modalities=len(names),
            input_width=token_width * (len(names) if joint else 1),
            output_width=token_width * len(names),
            gate=settings.gate,
            experts=settings.experts,
            top_k=top_k,
            hidden=settings.expert_hidden,
            dropout=settings.dropout,
            output=settings.expert_output,
            eval_noise=settings.eval_noise,
            temperature=settings.gate_temperature,
            init_std=settings.gate_init_std,
            # The released code registers the joint router.
            register=joint or settings.register_router,
            scope=settings.output_scope,
        ),
        token=settings.token,
        flatten=settings.flatten,
        micro_batch=MicroBatch(settings.micro_batch, settings.eval_micro_batch),
        loss=RouterLoss(
            balance_coef=settings.balance_coef,
            entropy_coef=settings.entropy_coef,
            sparse=settings.entropy_probs == "sparse",
            form=EntropyForm(
                settings.entropy_local,
                settings.entropy_missing_tokens,
                settings.entropy_weights,
            ),
            disjoint=settings.entropy_disjoint,
            stays=settings.micro_batch if settings.aux_window == "micro_batch" else None,
        ),
    )
