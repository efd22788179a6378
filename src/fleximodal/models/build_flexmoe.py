"""From settings of Flex-MoE to the parts of its network."""

from collections.abc import Sequence

from torch import nn

from fleximodal.errors import FleximodalError
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.models.bank import MissingBank
from fleximodal.models.build import build_model as build_model
from fleximodal.models.build_fusion import make_fusion, make_head, make_marker
from fleximodal.models.combinations import combinations
from fleximodal.models.flex_fusion import FlexFusion
from fleximodal.models.flex_head import LinearHead
from fleximodal.models.flex_layer import FlexLayer, dense_feed_forward
from fleximodal.models.flex_losses import FlexLosses
from fleximodal.models.flex_mixture import FlexMixture
from fleximodal.models.modality_spec import ModalitySpec


@make_fusion.register
def _fusion(settings: FlexMoESettings, modalities: Sequence[ModalitySpec]) -> FlexFusion:
    return FlexFusion(
        names=[modality.name for modality in modalities],
        steps=settings.grid_steps,
        width=settings.width,
        layers=[
            FlexLayer(
                modalities=len(modalities),
                width=settings.width,
                heads=settings.heads,
                dropout=settings.dropout,
                residual=settings.attention_residual,
                feed_forward=_feed_forward(settings, modalities, sparse=number % 2 == 0),
            )
            for number in range(settings.layers)
        ],
    )


def _feed_forward(
    settings: FlexMoESettings, modalities: Sequence[ModalitySpec], *, sparse: bool
) -> nn.Module:
    if not sparse or settings.feed_forward == "dense":
        return dense_feed_forward(settings.width, settings.dropout)
    _check_experts(settings, modalities)
    return FlexMixture(
        width=settings.width,
        experts=settings.experts,
        top_k=settings.top_k,
        order=settings.gate_order,
        routers=settings.gate_routers,
        assignment=settings.gate_assignment,
        init=settings.expert_init,
        losses=FlexLosses(
            coef=settings.gate_loss_coef,
            specialise=settings.specialise,
            generalise=settings.generalise,
            assignment_logits=settings.assignment_logits,
            assignment_reduction=settings.assignment_reduction,
            exclude=settings.balance_exclude,
            load=settings.gate_load,
            reduce=settings.gate_loss_reduce,
        ),
    )


def _check_experts(settings: FlexMoESettings, modalities: Sequence[ModalitySpec]) -> None:
    """Refuse fewer experts than combinations where each combination has its own."""
    needed = len(combinations(len(modalities)))
    assigned = settings.specialise or settings.gate_assignment == "forced"
    if assigned and settings.experts < needed:
        raise FleximodalError(
            f"experts {settings.experts} are fewer than the {needed} combinations of modalities "
            f"{', '.join(modality.name for modality in modalities)}, each of which has its own "
            f"expert in Flex-MoE; set experts to {needed} or more"
        )


@make_marker.register
def _bank(settings: FlexMoESettings, names: Sequence[str]) -> MissingBank:
    # With one modality there is nothing that another one could stand in for.
    return MissingBank(
        modalities=len(names),
        steps=settings.grid_steps,
        width=settings.width,
        kind=settings.bank if len(names) > 1 else "zero_tokens",
        init_std=settings.bank_init_std,
    )


@make_head.register
def _head(settings: FlexMoESettings, width: int, outputs: int) -> LinearHead:
    return LinearHead(
        input_width=width,
        hidden=settings.width,
        outputs=outputs,
        layers=settings.prediction_layers,
        dropout=settings.dropout,
    )
