"""Fusion of what separate encoders say at the end: Concat, MAG and TF."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from fleximodal.models.fusion import Fusion, FusionResult


class LateFusion(Fusion):
    """One encoder per modality; modalities meet in the join alone.

    Parameters
    ----------
    encoders
        One per modality: (B, T, width) to (B, width).
    join
        The M vectors to one, (B, output_width).
    output_width
        Width of the fused vector.
    """

    def __init__(
        self,
        *,
        encoders: Sequence[nn.Module],
        join: Callable[[list[Tensor]], Tensor],
        output_width: int,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.join = join
        self.output_width = output_width

    def forward(self, streams: list[Tensor]) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector."""
        ends = [encode(x) for encode, x in zip(self.encoders, streams, strict=True)]
        return FusionResult(self.join(ends))


def concatenated(vectors: list[Tensor]) -> Tensor:
    """Return the vectors beside each other (MISTS baseline "Concat")."""
    return torch.cat(vectors, dim=-1)
