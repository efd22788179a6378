"""What a network returns."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class SideTask:
    """A further prediction of the same labels, whose loss is added in training.

    Attributes
    ----------
    logits
        (B, num_outputs).
    weight
        Coefficient of its loss.
    rows
        (B,) bool, the stays that count; None if all do.
    """

    logits: Tensor
    weight: float
    rows: Tensor | None = None


@dataclass
class ModelOutput:
    """Result of one forward pass.

    Attributes
    ----------
    logits
        (B, num_outputs).
    auxiliary
        Losses to be added to the task loss, already multiplied by their coefficients.
    routing
        Per router, under ``layer{l}/{router}``: mean gate weight of each expert over the tokens
        of the batch, (experts,), detached.
    side
        Further predictions of the labels, by name.
    """

    logits: Tensor
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    routing: dict[str, Tensor] = field(default_factory=dict)
    side: dict[str, SideTask] = field(default_factory=dict)
