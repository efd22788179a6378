"""The one network: encoders, fusion, head."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from fleximodal.models.fusion import Fusion, FusionResult
from fleximodal.models.missing import StandIn
from fleximodal.models.output import ModelOutput, SideTask
from fleximodal.models.time_embedding import TimeEmbedding

if TYPE_CHECKING:
    from fleximodal.dataset.batch import Batch


class MultimodalModel(nn.Module):
    """Encodes each modality on a common grid, marks and replaces, fuses, predicts.

    Parameters
    ----------
    names
        Modalities, in the order of their encoders.
    encoders
        One per modality: (its part of the batch, time embedding, query) to (B, T, width).
    time_embedding
        Shared by all modalities, keys and queries; None if no encoder attends over time.
    steps
        Grid points T, evenly over [0, 1].
    marker
        Puts something in the place of absent modalities, and may mark those that are there.
    fusion
        M sequences to a fused vector.
    head
        Fused vector to logits.
    """

    grid: Tensor

    def __init__(
        self,
        *,
        names: Sequence[str],
        encoders: Sequence[nn.Module],
        time_embedding: TimeEmbedding | None,
        steps: int,
        marker: StandIn,
        fusion: Fusion,
        head: nn.Module,
    ) -> None:
        super().__init__()
        self.names = tuple(names)
        self.encoders = nn.ModuleList(encoders)
        self.time_embedding = time_embedding
        self.register_buffer("grid", torch.linspace(0.0, 1.0, steps), persistent=False)
        self.marker = marker
        self.fusion = fusion
        self.head = head

    def forward(self, batch: "Batch") -> ModelOutput:
        """Predict B stays."""
        streams = self.encode(batch)
        fused: FusionResult
        if self.fusion.sees_presence:
            fused = self.fusion(streams, self._present(batch))
        else:
            fused = self.fusion(streams)
        side = {
            name: SideTask(self.head(one.vector), one.weight, one.rows)
            for name, one in fused.side.items()
        }
        return ModelOutput(self.head(fused.vector), fused.auxiliary, fused.routing, side)

    def encode(self, batch: "Batch") -> list[Tensor]:
        """Return what enters the fusion: one (B, T, width) per modality."""
        time = self.time_embedding
        query = None if time is None else time(self.grid)
        streams = [
            encoder(batch.modalities[name], time, query)
            for name, encoder in zip(self.names, self.encoders, strict=True)
        ]
        return self.marker.stand_in(streams, self._present(batch))

    def prepare(self, present: Tensor) -> None:
        """Learn which modalities the training stays have; called once, before training.

        Parameters
        ----------
        present
            (M, n) bool, modalities in the order of `names`.
        """
        self.marker.prepare(present)

    def _present(self, batch: "Batch") -> Tensor:
        return torch.stack([batch.modalities[name].present for name in self.names])
