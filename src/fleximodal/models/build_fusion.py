"""From settings to what methods differ in, by the class of the settings: fusion, stand-in, head."""

from collections.abc import Sequence
from functools import singledispatch
from typing import TypedDict

from torch import nn

from fleximodal.errors import FleximodalError
from fleximodal.methods.baseline_settings import (
    MAGSettings,
    MISTSSettings,
    MulTSettings,
    TFSettings,
)
from fleximodal.methods.settings import ConcatSettings, NetworkSettings
from fleximodal.models.adaptation_gate import AdaptationGate
from fleximodal.models.cnn import CNNEncoder
from fleximodal.models.cross_attention import CrossAttentionStep
from fleximodal.models.encoder import Encoder
from fleximodal.models.fusion import Fusion
from fleximodal.models.fusion_stack import FusionStack
from fleximodal.models.head import ResidualHead
from fleximodal.models.late_fusion import LateFusion, concatenated
from fleximodal.models.lstm import LSTMEncoder
from fleximodal.models.missing import ModalityMarker, StandIn
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.mult import CrossmodalFusion
from fleximodal.models.tensor_fusion import TensorFusion, product_width
from fleximodal.models.windows import MicroBatch


class Sizes(TypedDict):
    """What every transformer of a fusion is given."""

    steps: int
    width: int
    heads: int
    dropout: float
    freeze_first: bool


def sizes_of(settings: NetworkSettings) -> Sizes:
    """Return the sizes of transformers under these settings."""
    return Sizes(
        steps=settings.grid_steps,
        width=settings.width,
        heads=settings.heads,
        dropout=settings.dropout,
        freeze_first=settings.freeze_first_position,
    )


@singledispatch
def make_fusion(settings: NetworkSettings, modalities: Sequence[ModalitySpec]) -> Fusion:
    """Return the fusion of a method; its `output_width` is the width of the fused vector.

    Raises
    ------
    FleximodalError
        If the settings are of an unknown method.
    """
    raise FleximodalError(
        f"no network is known for settings {type(settings).__name__}; "
        "give the settings class its own `builder`"
    )


@singledispatch
def make_marker(settings: NetworkSettings, names: Sequence[str]) -> StandIn:
    """Return what stands in for absent ones of the modalities `names`; a marker for most."""
    borrow = None
    if settings.type_row == "authors" and {"ecg", "notes"} <= set(names):
        micro_batch = MicroBatch(settings.micro_batch, settings.eval_micro_batch)
        borrow = (names.index("ecg"), names.index("notes"), micro_batch)
    return ModalityMarker(
        modalities=len(names),
        steps=settings.grid_steps,
        width=settings.width,
        missing=settings.missing_embedding,
        withhold=settings.missing_flags == "withheld_from_pairs" and len(names) == 2,
        borrow=borrow,
    )


@singledispatch
def make_head(settings: NetworkSettings, width: int, outputs: int) -> nn.Module:
    """Return what maps fused vectors (B, width) to logits (B, outputs); FuseMoE's for most."""
    return ResidualHead(width=width, outputs=outputs, dropout=settings.dropout)


@make_fusion.register
def _concat(settings: ConcatSettings, modalities: Sequence[ModalitySpec]) -> LateFusion:
    return LateFusion(
        encoders=[_sequence_encoder(settings) for _ in modalities],
        join=concatenated,
        output_width=len(modalities) * settings.width,
    )


@make_fusion.register
def _mists(settings: MISTSSettings, modalities: Sequence[ModalitySpec]) -> FusionStack:
    return FusionStack(
        streams=len(modalities),
        layers=settings.layers,
        make_step=lambda: CrossAttentionStep(
            streams=len(modalities),
            width=settings.width,
            heads=settings.heads,
            dropout=settings.dropout,
        ),
        **sizes_of(settings),
    )


@make_fusion.register
def _mult(settings: MulTSettings, modalities: Sequence[ModalitySpec]) -> CrossmodalFusion:
    return CrossmodalFusion(
        streams=len(modalities),
        cross_layers=settings.layers,
        self_layers=settings.layers,
        **sizes_of(settings),
    )


@make_fusion.register
def _mag(settings: MAGSettings, modalities: Sequence[ModalitySpec]) -> LateFusion:
    return LateFusion(
        encoders=[_transformer(settings) for _ in modalities],
        join=AdaptationGate(
            widths=[settings.width] * len(modalities),
            main=_main(settings, modalities),
            dropout=settings.dropout,
            norm=settings.mag_norm,
            beta=settings.mag_beta,
            micro_batch=MicroBatch(settings.micro_batch, settings.eval_micro_batch),
        ),
        output_width=settings.width,
    )


@make_fusion.register
def _tf(settings: TFSettings, modalities: Sequence[ModalitySpec]) -> LateFusion:
    projection = settings.tf_projection
    if projection is None:
        projection = product_width(len(modalities), settings.width)
    return LateFusion(
        encoders=[_transformer(settings) for _ in modalities],
        join=TensorFusion(
            widths=[settings.width] * len(modalities),
            hidden=settings.width,
            projection=projection,
        ),
        output_width=settings.width,
    )


def _main(settings: MAGSettings, modalities: Sequence[ModalitySpec]) -> int:
    """Return the number of the modality that MAG shifts; the first where none is of the kind."""
    kind = settings.mag_main
    if kind == "auto":
        kind = "items" if len(modalities) == 2 else "series"
    return next((n for n, modality in enumerate(modalities) if modality.kind == kind), 0)


def _transformer(settings: NetworkSettings) -> Encoder:
    return Encoder(layers=settings.layers, **sizes_of(settings))


def _sequence_encoder(settings: ConcatSettings) -> nn.Module:
    if settings.sequence_encoder == "lstm":
        return LSTMEncoder(width=settings.width, layers=settings.layers, dropout=settings.dropout)
    if settings.sequence_encoder == "cnn":
        return CNNEncoder(steps=settings.grid_steps, width=settings.width, layers=settings.layers)
    return _transformer(settings)
