"""From settings to a network."""

from collections.abc import Sequence

from torch import nn

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import FuseMoESettings, NetworkSettings
from fleximodal.models.build_fusion import make_fusion, sizes_of
from fleximodal.models.build_mixture import build_mixture
from fleximodal.models.fusion_stack import FusionStack
from fleximodal.models.head import ResidualHead
from fleximodal.models.items import ItemsEncoder, ItemsProjection
from fleximodal.models.missing import ModalityMarker
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.multimodal import MultimodalModel
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.utde import SeriesEncoder
from fleximodal.models.windows import MicroBatch


def build_model(
    settings: NetworkSettings, modalities: Sequence[ModalitySpec], num_outputs: int
) -> MultimodalModel:
    """Return the network of `settings`, freshly initialised from PyTorch's global generator.

    Raises
    ------
    FleximodalError
        If the settings ask for more experts than there are, are of an unknown method, or of one
        that needs more modalities.
    """
    if len(modalities) < settings.min_modalities:
        raise FleximodalError(
            f"{type(settings).__name__}: the method fuses {settings.min_modalities} modalities or "
            f"more and was given {', '.join(modality.name for modality in modalities)} alone; "
            "leave it out of this row of the table"
        )
    fusion = make_fusion(settings, modalities)
    attends = settings.branches != "regular"
    return MultimodalModel(
        names=[modality.name for modality in modalities],
        encoders=[_encoder(settings, modality) for modality in modalities],
        time_embedding=TimeEmbedding(settings.time_width) if attends else None,
        steps=settings.grid_steps,
        marker=_marker(settings, [modality.name for modality in modalities]),
        fusion=fusion,
        head=ResidualHead(width=fusion.output_width, outputs=num_outputs, dropout=settings.dropout),
    )


def _marker(settings: NetworkSettings, names: Sequence[str]) -> ModalityMarker:
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
            kernel=settings.grid_kernel,
            padding=settings.grid_padding,
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


@make_fusion.register
def _fusemoe(settings: FuseMoESettings, modalities: Sequence[ModalitySpec]) -> FusionStack:
    return FusionStack(
        streams=len(modalities),
        layers=settings.layers,
        make_step=lambda: build_mixture(settings, [modality.name for modality in modalities]),
        **sizes_of(settings),
    )
