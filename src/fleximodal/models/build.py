"""From settings to a network."""

from collections.abc import Sequence

from torch import nn

from fleximodal.errors import FleximodalError
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.methods.settings import FuseMoESettings, NetworkSettings
from fleximodal.models.build_fusion import make_fusion, make_head, make_marker, sizes_of
from fleximodal.models.build_mixture import build_mixture
from fleximodal.models.fusion_stack import FusionStack
from fleximodal.models.items import ItemsEncoder, ItemsProjection
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.multimodal import MultimodalModel
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.tokens import TokenEncoder
from fleximodal.models.utde import SeriesEncoder
from fleximodal.models.volume_cnn import VolumeEncoder


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
    names = [modality.name for modality in modalities]
    fusion = make_fusion(settings, modalities)
    timed = any(modality.kind != "table" for modality in modalities)
    attends = timed and settings.branches != "regular"
    return MultimodalModel(
        names=names,
        encoders=[_encoder(settings, modality) for modality in modalities],
        time_embedding=TimeEmbedding(settings.time_width) if attends else None,
        steps=settings.grid_steps,
        marker=make_marker(settings, names),
        fusion=fusion,
        head=make_head(settings, fusion.output_width, num_outputs),
    )


def _encoder(settings: NetworkSettings, modality: ModalitySpec) -> nn.Module:
    if modality.kind == "table":
        return _table_encoder(settings, modality)
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


def _table_encoder(settings: NetworkSettings, modality: ModalitySpec) -> nn.Module:
    """Return the encoder of a table, the same in every method (Flex-MoE, released code)."""
    zero_input = isinstance(settings, FlexMoESettings) and settings.bank == "zero_input"
    dense = isinstance(settings, FlexMoESettings) and settings.tabular_encoder != "patch"
    if modality.volume is not None:
        return VolumeEncoder(
            volume=modality.volume,
            tokens=settings.grid_steps,
            width=settings.width,
            skip_absent=not zero_input,
        )
    return TokenEncoder(modality.size, settings.grid_steps, settings.width, dense=dense)


@make_fusion.register
def _fusemoe(settings: FuseMoESettings, modalities: Sequence[ModalitySpec]) -> FusionStack:
    return FusionStack(
        streams=len(modalities),
        layers=settings.layers,
        make_step=lambda: build_mixture(settings, [modality.name for modality in modalities]),
        **sizes_of(settings),
    )
