"""What a network returns."""

from dataclasses import dataclass, field

from torch import Tensor


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
    """

    logits: Tensor
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    routing: dict[str, Tensor] = field(default_factory=dict)
