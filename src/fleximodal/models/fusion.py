"""What a fusion is and what it returns."""

from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass
class FusionResult:
    """Result of a fusion.

    Attributes
    ----------
    vector
        Fused vector (B, output_width of the fusion).
    auxiliary, routing
        As for `ModelOutput`.
    """

    vector: Tensor
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    routing: dict[str, Tensor] = field(default_factory=dict)


class Fusion(nn.Module):
    """Base of fusions, which map M sequences (B, T, width) to a `FusionResult`.

    One with `sees_presence` is also given which modalities are there, (M, B) bool.
    """

    output_width: int
    sees_presence: bool = False
