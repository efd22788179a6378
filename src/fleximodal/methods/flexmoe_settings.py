"""Settings of Flex-MoE (arXiv 2410.08245); sections and equations cited are those of the paper.

Defaults are those of its ADNI experiments (section 4.1, figure 6) where it gives them, else those
of the released code; docs/discrepancies.md, section H, says where the two differ.
"""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from fleximodal.methods.settings import NetworkSettings


class FlexMoESettings(NetworkSettings):
    """A bank of embeddings for absent modalities, and a sparse mixture of experts in layers."""

    builder: ClassVar[str] = "fleximodal.models.build_flexmoe:build_model"

    heads: int = Field(4, ge=1, description="heads of the self-attention")
    layers: int = Field(
        1, ge=1, description="layers, by turns sparse and dense, the first of them sparse"
    )
    dropout: float = Field(0.5, ge=0, lt=1, description="dropout everywhere but inside experts")
    grid_steps: int = Field(16, ge=1, description="tokens of a modality; points of its grid")
    warmup_epochs: int = Field(
        5, ge=0, description="first epochs in which the stays come in `warmup_order`"
    )
    warmup_order: Literal["shuffled", "sorted", "ascending", "full_only"] = Field(
        "sorted",
        description="order of the stays in those epochs: drawn anew, by number of observed "
        "modalities (most first, or fewest first), or drawn from stays that have all",
    )
    prediction_layers: int = Field(1, ge=1, description="linear maps of the prediction head")
    tabular_encoder: Literal["patch", "dense_then_patch"] = Field(
        "patch",
        description="tokens of a table: blocks of its columns, or blocks of what one dense layer "
        "makes of all of them",
    )
    bank: Literal["combination", "per_modality", "zero_tokens", "zero_input", "observed"] = Field(
        "combination",
        description="what stands in for an absent modality: learned tokens per combination of "
        "modalities that are there; per modality alone; zeros; the encoding of zeros; or per "
        "combination that occurs in training, and per modality for others",
    )
    bank_init_std: float = Field(1.0, ge=0, description="standard deviation of initial tokens")
    attention_residual: Literal["input", "self"] = Field(
        "input",
        description="what attention is added to: its input, or itself as in the released code",
    )
    feed_forward: Literal["experts", "dense"] = Field(
        "experts", description="dense: layers that are sparse otherwise have no experts either"
    )
    experts: int = Field(16, ge=2, description="number of experts E")
    top_k: int = Field(4, ge=1, description="experts kept per token")
    expert_init: Literal["fmoe", "linear"] = Field(
        "fmoe",
        description="initial weights of experts: as in the library of the released code, or "
        "PyTorch's, which are some sixteen times as large",
    )
    gate_order: Literal["topk_softmax", "softmax_topk"] = Field(
        "topk_softmax",
        description="weights of the experts kept: softmax over them, or over all (equation 1)",
    )
    gate_routers: Literal["shared", "separate"] = Field(
        "shared",
        description="separate: one router for stays with all modalities, another for the others",
    )
    gate_assignment: Literal["loss", "forced"] = Field(
        "loss",
        description="forced: tokens of a combination always get its expert; otherwise a loss alone "
        "draws them to it",
    )
    gate_loss_coef: float = Field(0.01, ge=0, description="coefficient of the routers' losses")
    specialise: bool = Field(
        True, description="whether tokens of a combination are drawn to its expert (equation 3)"
    )
    generalise: bool = Field(
        True, description="whether stays with all modalities are balanced apart from others"
    )
    assignment_logits: Literal["noisy", "clean"] = Field(
        "noisy", description="logits in equation 3: with the noise of training, or without"
    )
    assignment_reduction: Literal["mean", "sum"] = Field(
        "mean", description="equation 3 averaged over tokens, or added"
    )
    balance_exclude: Literal["expert0", "own_top1", "target", "none"] = Field(
        "expert0",
        description="what the balance of incomplete stays leaves out (equation 4): the expert of "
        "full stays, each token's strongest expert, the expert of its combination, or nothing",
    )
    gate_load: Literal["smooth", "count"] = Field(
        "smooth",
        description="load of an expert: probability of being kept, or number of tokens",
    )
    gate_loss_reduce: Literal["sum", "mean"] = Field(
        "sum", description="losses of a layer's modalities added, or averaged"
    )

    @model_validator(mode="after")
    def _more_experts_than_kept(self) -> "FlexMoESettings":
        if self.feed_forward == "experts" and self.top_k >= self.experts:
            raise ValueError(
                f"top_k {self.top_k} is not less than experts {self.experts}, so that nothing "
                "would be routed; lower top_k or raise experts"
            )
        return self
