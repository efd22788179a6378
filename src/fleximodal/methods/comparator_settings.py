"""Settings of the methods that Flex-MoE is compared with.

They differ from the others in the fusion alone; encoders, head and training are the frame's.
Coefficients and rates are those of each method's paper; where a paper gives none that can be
carried over, additional losses weigh 0.01, as Flex-MoE fixes it for all its comparators.
`docs/comparators.md` says what each paper describes and what is ours.
"""

from typing import ClassVar

from pydantic import Field, model_validator

from fleximodal.methods.settings import NetworkSettings


class ComparatorSettings(NetworkSettings):
    """What the comparators share: their fusions are in one module."""

    builder: ClassVar[str] = "fleximodal.models.build_comparators:build_model"


class LIMoESettings(ComparatorSettings):
    """One sparse transformer over the tokens of all modalities (Mustafa et al. 2022)."""

    experts: int = Field(32, ge=1, description="number of experts of a sparse layer")
    top_k: int = Field(1, ge=1, description="experts kept per token")
    expert_hidden: int = Field(512, ge=1, description="hidden width of an expert")
    classic_coef: float = Field(
        0.01, ge=0, description="coefficient of importance and load loss plus router z-loss"
    )
    modality_entropy_coef: float = Field(
        0.01, ge=0, description="coefficient of the local plus the global entropy loss"
    )
    min_experts: float | None = Field(
        None,
        ge=1,
        description="experts that a modality should use at least; the logarithm is the threshold "
        "of the global loss; null: the experts shared evenly between modalities",
    )

    @model_validator(mode="after")
    def _enough_experts(self) -> "LIMoESettings":
        if self.top_k > self.experts:
            raise ValueError(f"top_k {self.top_k} is more than experts {self.experts}")
        if self.min_experts is not None and self.min_experts > self.experts:
            raise ValueError(f"min_experts {self.min_experts} is more than experts {self.experts}")
        return self


class ShaSpecSettings(ComparatorSettings):
    """A shared and a specific encoder per modality, fused as residuals (Wang et al. 2023)."""

    alignment_coef: float = Field(
        0.1, ge=0, description="coefficient alpha of the alignment of shared features"
    )
    domain_coef: float = Field(
        0.02, ge=0, description="coefficient beta of the classification of specific features"
    )


class MMFormerSettings(ComparatorSettings):
    """Transformers within, then across modalities (Zhang et al. 2022)."""

    modality_dropout: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="rate at which a modality that is there is withheld in training; at 0.5 all "
        "subsets but the empty one are equally likely",
    )
    encoder_coef: float = Field(
        1.0, ge=0, description="coefficient of the task loss of each modality's own prediction"
    )


class GRUSettings(ComparatorSettings):
    """A GRU per modality, final states concatenated (Lee et al. 2019)."""


class DenoisingSettings(ComparatorSettings):
    """Stacked denoising auto-encoders, codes concatenated (Venugopalan et al. 2021)."""

    autoencoders: int = Field(2, ge=1, description="auto-encoders of a modality's stack")
    corruption: float = Field(
        0.2, ge=0, lt=1, description="rate at which inputs of an auto-encoder are masked"
    )
    reconstruction_coef: float = Field(
        0.01, ge=0, description="coefficient of the reconstruction loss"
    )
