"""From settings to a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import nn

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import ConcatSettings, FuseMoESettings, NetworkSettings
from fleximodal.models.concat import concat_fusion
from fleximodal.models.fusion_stack import FusionStack
from fleximodal.models.head import ResidualHead
from fleximodal.models.items import ItemsEncoder, ItemsProjection
from fleximodal.models.missing import ModalityMarker
from fleximodal.models.mixture_step import MixtureStep
from fleximodal.models.multimodal import MultimodalModel
from fleximodal.models.sparse_moe import SparseMoE
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.utde import SeriesEncoder


@dataclass(frozen=True)
class ModalitySpec:
    """What a network must know of a modality: `size` is its channels or features."""

    name: str
    kind: Literal["series", "items"]
    size: int


def build_model(
    settings: NetworkSettings, modalities: Sequence[ModalitySpec], num_outputs: int
) -> MultimodalModel:
    """Return the network of `settings`, freshly initialised from PyTorch's global generator.

    Raises
    ------
    FleximodalError
        If the settings ask for more experts than there are, or are of an unknown method.
    """
    attends = settings.branches != "regular"
    return MultimodalModel(
        names=[modality.name for modality in modalities],
        encoders=[_encoder(settings, modality) for modality in modalities],
        time_embedding=TimeEmbedding(settings.time_width) if attends else None,
        steps=settings.grid_steps,
        marker=ModalityMarker(
            modalities=len(modalities),
            steps=settings.grid_steps,
            width=settings.width,
            missing=settings.missing_embedding,
        ),
        fusion=_fusion(settings, [modality.name for modality in modalities]),
        head=ResidualHead(
            width=len(modalities) * settings.width, outputs=num_outputs, dropout=settings.dropout
        ),
    )


def _encoder(settings: NetworkSettings, modality: ModalitySpec) -> nn.Module:
    if modality.kind == "series":
        return SeriesEncoder(
            channels=modality.size,
            width=settings.width,
            time_width=settings.time_width,
            time_heads=settings.time_heads,
            dropout=settings.dropout,
            branches=settings.branches,
            gate_level=settings.gate_level,
        )
    if settings.branches == "regular":
        return ItemsProjection(
            features=modality.size, width=settings.width, steps=settings.grid_steps
        )
    return ItemsEncoder(
        features=modality.size,
        width=settings.width,
        time_width=settings.time_width,
        time_heads=settings.time_heads,
        dropout=settings.dropout,
    )


def _fusion(settings: NetworkSettings, names: Sequence[str]) -> FusionStack:
    if isinstance(settings, ConcatSettings):
        return concat_fusion(
            streams=len(names),
            steps=settings.grid_steps,
            width=settings.width,
            heads=settings.heads,
            layers=settings.layers,
            dropout=settings.dropout,
        )
    if isinstance(settings, FuseMoESettings):
        return FusionStack(
            streams=len(names),
            steps=settings.grid_steps,
            width=settings.width,
            heads=settings.heads,
            layers=settings.layers,
            dropout=settings.dropout,
            make_step=lambda: _mixture(settings, names),
        )
    raise FleximodalError(
        f"no network is known for settings {type(settings).__name__}; "
        "give the settings class its own `builder`"
    )


def _mixture(settings: FuseMoESettings, names: Sequence[str]) -> MixtureStep:
    disjoint = settings.router == "disjoint"
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
            input_width=token_width * (len(names) if settings.router == "joint" else 1),
            output_width=token_width * len(names),
            gate=settings.gate,
            experts=settings.experts,
            top_k=top_k,
            hidden=settings.expert_hidden,
            dropout=settings.dropout,
            output=settings.expert_output,
            eval_noise=settings.eval_noise,
        ),
        token=settings.token,
        flatten=settings.flatten,
        balance_coef=settings.balance_coef,
        entropy_coef=settings.entropy_coef,
    )
