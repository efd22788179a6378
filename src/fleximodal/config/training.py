"""The section `training` of the configuration: the one training loop."""

from typing import Annotated, Literal

from pydantic import Field

from fleximodal.config.section import Section


class Training(Section):
    """The training loop, the same for all networks (FuseMoE table 6 where it says)."""

    epochs: int = Field(8, ge=1, description="passes over the training part")
    batch_size: int = Field(32, ge=1, description="stays per optimiser step")
    learning_rate: float = Field(4e-4, gt=0, description="learning rate of Adam")
    select_metric: Literal["f1", "auroc", "auprc", "accuracy", "macro_f1"] = Field(
        "f1",
        description="validation metric that chooses the epoch; FuseMoE uses f1, Flex-MoE accuracy; "
        "of several classes auroc and auprc are means over each class against the rest",
    )
    class_weights: list[Annotated[float, Field(gt=0)]] | None = Field(
        None, description="weight of each class in the loss, in their order; null: all the same"
    )
    max_rows: int = Field(1000, ge=1, description="most recent time points kept per series")
    max_items: int | None = Field(
        5, ge=1, description="most recent notes, images, ECGs kept per stay; null keeps all"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto = a GPU if the job was given one"
    )
