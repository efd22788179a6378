"""Settings of the built-in methods; field names are those of the papers where they have one.

Defaults are the published ones (FuseMoE table 6) for variant `paper`. The sections cited are
those of FuseMoE (arXiv 2402.03226) unless said otherwise.
"""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MethodSettings(BaseModel):
    """Base of every method's settings; unknown keys are refused.

    `trainer` names the function that trains one run, as "module:function"; its contract is
    described in `fleximodal.training.member`. `scorer` names the function that scores stays with a
    stored model; it is called as ``scorer(member, settings, training, tensors, parts)`` with the
    names of the parts wanted and returns their scores by name. `seeded` is False where the seed
    has no effect, so that one run stands for all; `uses_training` is False where the section
    `training` of the configuration has none. `min_modalities` is the least number of modalities
    that the method can be run on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    trainer: ClassVar[str]
    scorer: ClassVar[str]
    seeded: ClassVar[bool] = True
    uses_training: ClassVar[bool] = True
    min_modalities: ClassVar[int] = 1


class NetworkSettings(MethodSettings):
    """What all networks share: irregularity encoder, width, missing modalities.

    `builder` names the function that makes the network, as "module:function", called with
    (settings, modalities, num_outputs). A network that has a method `prepare` is given, before
    training, which modalities the training stays have, (M, n) bool.
    """

    trainer: ClassVar[str] = "fleximodal.training.network:fit_network"
    scorer: ClassVar[str] = "fleximodal.training.scoring:score_network"
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
    missing_embedding: Literal["learned_seq", "learned_vec", "zero", "zero_plus_type"] = Field(
        "learned_seq",
        description="what stands in for an absent modality: a learned sequence, a learned vector "
        "at every grid point, zeros, or zeros plus the type vector; released code: zero",
    )
    missing_flags: Literal["given", "withheld_from_pairs"] = Field(
        "given",
        description="withheld_from_pairs: of two modalities an absent one is encoded as if it had "
        "one empty item, as in the released code",
    )
    type_row: Literal["own", "authors"] = Field(
        "own",
        description="authors: ECGs take the type vector of notes where a micro-batch lacks an ECG",
    )
    freeze_first_position: bool = Field(
        False,
        description="whether the first position keeps its random value, as in the released code",
    )
    grid_kernel: int = Field(1, ge=1, description="kernel of the convolution over the imputed grid")
    grid_padding: Literal["causal", "symmetric"] = Field(
        "causal", description="padding of that convolution; released code: symmetric"
    )
    time_axis: Literal["uniform", "authors"] = Field(
        "uniform",
        description="uniform: hours / horizon for all; authors: reversed for notes (not on "
        "MIMIC-III), raw hours for images and ECGs",
    )
    imputation: Literal["locf_mean", "authors_f_impute"] = Field(
        "locf_mean",
        description="the imputed grid: last observation carried forward, else the training mean; "
        "or as in the released code",
    )
    item_limit: Literal["all", "notes"] = Field(
        "all",
        description="which modalities `training.max_items` cuts; released code: notes alone",
    )
    overlong: Literal["truncate", "drop"] = Field(
        "truncate",
        description="stays of `training.max_rows` times and more: keep the last times, or leave "
        "the stay out of all parts, as the released code does",
    )
    warmup_epochs: int = Field(
        0, ge=0, description="first epochs in which the stays come in `warmup_order`"
    )
    warmup_order: Literal["shuffled", "sorted", "ascending", "full_only"] = Field(
        "shuffled",
        description="order of the stays in those epochs: drawn anew, by number of observed "
        "modalities (most first, or fewest first), or drawn from stays that have all",
    )
    table_fit: Literal["train", "all"] = Field(
        "train",
        description="stays on which scales and fills of tables are fitted; released code of "
        "Flex-MoE: all",
    )
    table_fill: Literal["column_mean", "first_column", "median", "none"] = Field(
        "column_mean",
        description="what fills an unknown numeric cell: a value of its column, the mean of the "
        "table's first numeric column for every column as in the released code of Flex-MoE, or "
        "zero after scaling",
    )
    table_categorical_fill: Literal["mode", "none"] = Field(
        "mode",
        description="what fills an unknown categorical cell: the most frequent value, or zero",
    )
    table_imputation: Literal["none", "mean", "nearest"] = Field(
        "none",
        description="what fills a table that a stay does not have, which then counts as there: "
        "nothing, the column means, or the nearest training stay's",
    )
    micro_batch: int = Field(
        2, ge=1, description="stays of a micro-batch in training, for what mixes or counts them"
    )
    eval_micro_batch: int = Field(8, ge=1, description="the same in evaluation")

    @model_validator(mode="after")
    def _divisible(self) -> "NetworkSettings":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.time_width % self.time_heads:
            raise ValueError(
                f"time_width {self.time_width} is not a multiple of time_heads {self.time_heads}"
            )
        if self.grid_padding == "symmetric" and self.grid_kernel % 2 == 0:
            raise ValueError(
                f"grid_kernel {self.grid_kernel} is even, so symmetric padding would lose a point"
            )
        return self


class ConcatSettings(NetworkSettings):
    """An encoder per modality, last steps concatenated (Zhang et al. 2023)."""

    sequence_encoder: Literal["transformer", "lstm", "cnn"] = Field(
        "transformer",
        description="encoder of a modality's sequence; lstm and cnn are ablations of Zhang et al.",
    )


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
    output_scope: Literal["all", "own"] = Field(
        "all",
        description="streams that an expert writes to: all, or the one of its router's modality",
    )
    gate_temperature: float = Field(1.0, gt=0, description="gate logits are divided by this")
    gate_init_std: float = Field(
        0.0, ge=0, description="standard deviation of initial gate weights"
    )
    register_router: bool = Field(
        True,
        description="False: routers of single modalities stay zero, as in the released code",
    )
    balance_coef: float = Field(
        0.01, ge=0, description="coefficient of importance and load loss (joint router)"
    )
    entropy_coef: float = Field(
        0.01, ge=0, description="coefficient of the entropy loss, equation 4 (other routers)"
    )
    entropy_probs: Literal["dense", "sparse"] = Field(
        "dense",
        description="use of experts in equation 4: softmax of all logits without noise, or the "
        "weights of the experts kept",
    )
    entropy_local: Literal["of_mean", "mean_of_tokens"] = Field(
        "of_mean",
        description="first term of equation 4: entropy of a modality's mean use, or mean entropy "
        "of its tokens",
    )
    entropy_missing_tokens: Literal["included", "excluded", "own_group"] = Field(
        "included",
        description="tokens of absent modalities in equation 4: with those of their modality, "
        "left out, or as one further modality",
    )
    entropy_weights: Literal["uniform", "tokens"] = Field(
        "uniform", description="weights of modalities in equation 4: equal, or by their tokens"
    )
    entropy_disjoint: Literal["off", "within_pool", "balance"] = Field(
        "off",
        description="loss of disjoint routers, for which equation 4 is constant: none, less "
        "the mean entropy of each pool's use, or importance and load",
    )
    aux_window: Literal["batch", "micro_batch"] = Field(
        "batch",
        description="stays over which these losses are taken: the batch, or `micro_batch` stays "
        "at a time and averaged, as when gradients are accumulated",
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
        if self.output_scope == "own" and self.router == "joint":
            raise ValueError("output_scope 'own' needs a router per modality, not the joint one")
        if self.router == "disjoint" and self.entropy_missing_tokens == "own_group":
            raise ValueError(
                "entropy_missing_tokens 'own_group' has no meaning for disjoint routers, whose "
                "modalities have no expert in common"
            )
        return self


class HAIMSettings(MethodSettings):
    """Eleven statistics per channel and gradient-boosted trees (Soenksen et al. 2022)."""

    trainer: ClassVar[str] = "fleximodal.training.haim:fit_haim"
    scorer: ClassVar[str] = "fleximodal.training.haim:score_haim"
    seeded: ClassVar[bool] = False
    uses_training: ClassVar[bool] = False

    grid: Literal["full", "small", "off"] = Field(
        "full",
        description="full = 24 settings by cross-validation; small = a few; off = XGBoost defaults",
    )
    folds: int = Field(5, ge=2, description="folds of the cross-validation")
    max_bins: int = Field(
        256, ge=2, description="bins per column; fewer grow trees faster, 256 is XGBoost's default"
    )
    seed: int = Field(42, ge=0, description="seed of folds and trees")
    max_rows: int = Field(128, ge=1, description="time points kept per series")
    max_items: int = Field(5, ge=1, description="notes kept, see slices")
    slices: Literal["paper", "authors"] = Field(
        "paper",
        description="paper = the last max_rows time points and max_items notes; authors = as "
        "released, the first time points, and the notes after the first max_items",
    )
    unobserved: Literal["ignore", "zero"] = Field(
        "ignore",
        description="whether a channel's unobserved time points count as zeros, as released",
    )
    variance_ddof: Literal[1, 0] = Field(
        1, description="the variance divides by n less this; 0 as released"
    )
    zero_row: bool = Field(
        False, description="whether each series gets a 0 at its end, as in HAIM's released code"
    )
