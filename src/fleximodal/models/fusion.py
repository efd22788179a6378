"""What a fusion is and what it returns."""

from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass
class SideVector:
    """A vector (B, output_width) from which the head predicts the labels once more in training.

    `weight` and `rows` are as for `fleximodal.models.output.SideTask`.
    """

    vector: Tensor
    weight: float
    rows: Tensor | None = None


@dataclass
class FusionResult:
    """Result of a fusion.

    Attributes
    ----------
    vector
        Fused vector (B, output_width of the fusion).
    auxiliary, routing
        As for `ModelOutput`.
    side
        What the head is applied to besides, by name.
    """

    vector: Tensor
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    routing: dict[str, Tensor] = field(default_factory=dict)
    side: dict[str, SideVector] = field(default_factory=dict)


class Fusion(nn.Module):
    """Base of fusions, which map M sequences (B, T, width) to a `FusionResult`.

    One with `sees_presence` is also given which modalities are there, (M, B) bool.
    """

    output_width: int
    sees_presence: bool = False
