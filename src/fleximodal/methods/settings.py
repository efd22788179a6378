"""Settings of the built-in methods; field names are those of the papers where they have one.

Defaults are the published ones (FuseMoE table 6) for variant `paper`. The sections cited are
those of FuseMoE (arXiv 2402.03226) unless said otherwise.
"""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MethodSettings(BaseModel):
    """Base of every method's settings; unknown keys are refused.

    `trainer` names the function that trains one run, as "module:function"; its contract is
    described in `fleximodal.training.member`. `seeded` is False where the seed has no effect,
    so that one run stands for all; `uses_training` is False where the section `training` of the
    configuration has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    trainer: ClassVar[str]
    seeded: ClassVar[bool] = True
    uses_training: ClassVar[bool] = True


class NetworkSettings(MethodSettings):
    """What all networks share: irregularity encoder, width, missing modalities.

    `builder` names the function that makes the network, as "module:function", called with
    (settings, modalities, num_outputs).
    """

    trainer: ClassVar[str] = "fleximodal.training.network:fit_network"
    builder: ClassVar[str] = "fleximodal.models.build:build_model"

    width: int = Field(128, ge=1, description="model width d")
    heads: int = Field(8, ge=1, description="heads of the self-attention")
    layers: int = Field(3, ge=1, description="fusion layers")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout everywhere")
    time_width: int = Field(64, ge=2, description="width of the time embedding")
    time_heads: int = Field(8, ge=1, description="heads of the multi-time attention")
    grid_steps: int = Field(48, ge=1, description="points of the regular grid")
    branches: Literal["both", "irregular", "regular"] = Field(
        "both",
        description="both = multi-time attention mixed with the imputed grid; "
        "regular = imputed grid alone, no time attention; irregular = time attention alone",
    )
    gate_level: Literal["batch", "batch_seq", "batch_seq_feature"] = Field(
        "batch_seq_feature",
        description="granularity of the gate that mixes both branches (appendix C.2)",
    )
    missing_embedding: Literal["learned", "zero"] = Field(
        "learned", description="what stands in for an absent modality"
    )

    @model_validator(mode="after")
    def _divisible(self) -> "NetworkSettings":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.time_width % self.time_heads:
            raise ValueError(
                f"time_width {self.time_width} is not a multiple of time_heads {self.time_heads}"
            )
        return self


class ConcatSettings(NetworkSettings):
    """Self-attention encoder per modality, last steps concatenated."""


class FuseMoESettings(NetworkSettings):
    """Fusion by a sparse mixture of experts (section 3)."""

    gate: Literal["softmax", "gaussian", "laplace"] = Field(
        "laplace", description="gating function, equations 1 to 3"
    )
    router: Literal["joint", "per_modality", "disjoint"] = Field(
        "per_modality", description="router design, figure 2"
    )
    token: Literal["flattened", "per_step"] = Field(
        "flattened",
        description="what is routed: a stay's whole sequence, or each point of the grid",
    )
    experts: int = Field(16, ge=1, description="number of experts S")
    top_k: int = Field(4, ge=1, description="experts kept per token, joint and per-modality")
    disjoint_top_k: int = Field(2, ge=1, description="experts kept per token, disjoint")
    expert_hidden: int = Field(512, ge=1, description="hidden width of an expert")
    balance_coef: float = Field(
        0.01, ge=0, description="coefficient of importance and load loss (joint, disjoint)"
    )
    entropy_coef: float = Field(
        0.01, ge=0, description="coefficient of the entropy loss, equation 4 (per-modality)"
    )
    expert_output: Literal["linear", "log_softmax"] = Field(
        "linear", description="linear = as written; log_softmax = as in the released code"
    )
    flatten: Literal["by_sample", "authors_reshape"] = Field(
        "by_sample",
        description="authors_reshape mixes the stays of a batch, as the released code does",
    )
    eval_noise: bool = Field(
        False, description="whether gate noise stays on in evaluation, as in the released code"
    )

    @model_validator(mode="after")
    def _enough_experts(self) -> "FuseMoESettings":
        if self.top_k > self.experts:
            raise ValueError(f"top_k {self.top_k} is more than experts {self.experts}")
        return self


class HAIMSettings(MethodSettings):
    """Eleven statistics per channel and gradient-boosted trees (Soenksen et al. 2022)."""

    trainer: ClassVar[str] = "fleximodal.training.haim:fit_haim"
    seeded: ClassVar[bool] = False
    uses_training: ClassVar[bool] = False

    grid: Literal["full", "small", "off"] = Field(
        "full",
        description="full = 24 settings by cross-validation; small = a few; off = XGBoost defaults",
    )
    folds: int = Field(5, ge=2, description="folds of the cross-validation")
    seed: int = Field(42, ge=0, description="seed of folds and trees")
    max_rows: int = Field(128, ge=1, description="most recent time points per modality")
