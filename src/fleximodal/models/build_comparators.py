"""From settings of the methods that Flex-MoE is compared with to their fusions."""

from collections.abc import Sequence

from fleximodal.methods.comparator_settings import (
    DenoisingSettings,
    GRUSettings,
    LIMoESettings,
    MMFormerSettings,
    ShaSpecSettings,
)
from fleximodal.models.build import build_model as build_model
from fleximodal.models.build_fusion import make_fusion, sizes_of
from fleximodal.models.denoising_fusion import DenoisingFusion
from fleximodal.models.gru_fusion import GRUEncoder
from fleximodal.models.late_fusion import LateFusion, concatenated
from fleximodal.models.limoe import LIMoEFusion
from fleximodal.models.limoe_mixture import TokenMixture
from fleximodal.models.mmformer import MMFormerFusion
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.shaspec import ShaSpecFusion


@make_fusion.register
def _limoe(settings: LIMoESettings, modalities: Sequence[ModalitySpec]) -> LIMoEFusion:
    least = settings.min_experts
    if least is None:
        least = max(1.0, settings.experts / len(modalities))
    return LIMoEFusion(
        streams=len(modalities),
        layers=settings.layers,
        make_mixture=lambda: TokenMixture(
            modalities=len(modalities),
            width=settings.width,
            experts=settings.experts,
            top_k=settings.top_k,
            hidden=settings.expert_hidden,
            dropout=settings.dropout,
            classic_coef=settings.classic_coef,
            modality_entropy_coef=settings.modality_entropy_coef,
            min_experts=least,
        ),
        **sizes_of(settings),
    )


@make_fusion.register
def _shaspec(settings: ShaSpecSettings, modalities: Sequence[ModalitySpec]) -> ShaSpecFusion:
    return ShaSpecFusion(
        streams=len(modalities),
        layers=settings.layers,
        alignment_coef=settings.alignment_coef,
        domain_coef=settings.domain_coef,
        **sizes_of(settings),
    )


@make_fusion.register
def _mmformer(settings: MMFormerSettings, modalities: Sequence[ModalitySpec]) -> MMFormerFusion:
    return MMFormerFusion(
        streams=len(modalities),
        layers=settings.layers,
        modality_dropout=settings.modality_dropout,
        encoder_coef=settings.encoder_coef,
        **sizes_of(settings),
    )


@make_fusion.register
def _lee(settings: GRUSettings, modalities: Sequence[ModalitySpec]) -> LateFusion:
    return LateFusion(
        encoders=[
            GRUEncoder(
                steps=settings.grid_steps,
                width=settings.width,
                layers=settings.layers,
                dropout=settings.dropout,
                once=modality.kind == "table",
            )
            for modality in modalities
        ],
        join=concatenated,
        output_width=len(modalities) * settings.width,
    )


@make_fusion.register
def _venugopalan(
    settings: DenoisingSettings, modalities: Sequence[ModalitySpec]
) -> DenoisingFusion:
    return DenoisingFusion(
        volumes=[modality.volume is not None for modality in modalities],
        steps=settings.grid_steps,
        width=settings.width,
        autoencoders=settings.autoencoders,
        corruption=settings.corruption,
        coef=settings.reconstruction_coef,
    )
