"""Absent modalities and the type vectors of present ones."""

from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.windows import MicroBatch, any_in_window

MissingEmbedding = Literal["learned_seq", "learned_vec", "zero", "zero_plus_type"]

INITIAL_STD = 0.02


class StandIn(nn.Module):
    """Base of what stands between encoders and fusion where modalities are absent."""

    def stand_in(self, streams: list[Tensor], present: Tensor) -> list[Tensor]:
        """Return M sequences (B, T, width), something else in the place of absent modalities.

        Parameters
        ----------
        streams
            M encoded sequences (B, T, width); the content of absent modalities means nothing.
        present
            (M, B) bool, which modalities are there.
        """
        raise NotImplementedError

    def prepare(self, present: Tensor) -> None:
        """Learn which modalities (M, n) the training stays have; called once, before training."""


class ModalityMarker(StandIn):
    """Adds a type vector to present modalities and puts an embedding in the place of absent ones.

    The embedding of an absent modality is one learned tensor (T, width) per modality, which
    replaces the encoded sequence and receives no type vector (FuseMoE section 3.2, "missing
    indicator"). The papers leave initial values open: N(0, 0.02^2) as for positions.

    Parameters
    ----------
    modalities
        Number of modalities.
    steps
        Grid points T.
    width
        Model width.
    missing
        What stands in for an absent modality: a learned sequence, one learned vector at all grid
        points, zeros (NOTE[DIFF] as in the released code), or zeros plus the type vector.
    withhold
        NOTE[DIFF] As in the released code for two modalities: nobody is told what is absent, so
        the encoding of nothing stays and receives its type vector.
    borrow
        NOTE[DIFF] As in the released code, (borrower, lender, micro-batch): where a micro-batch
        lacks modality `borrower`, those of it that have it take the type vector of `lender`.
    """

    def __init__(
        self,
        *,
        modalities: int,
        steps: int,
        width: int,
        missing: MissingEmbedding,
        withhold: bool = False,
        borrow: tuple[int, int, MicroBatch] | None = None,
    ) -> None:
        super().__init__()
        self.missing, self.withhold, self.borrow = missing, withhold, borrow
        self.types = nn.Parameter(torch.empty(modalities, width))
        nn.init.normal_(self.types, std=INITIAL_STD)
        self.absent: nn.Parameter | None = None
        if missing.startswith("learned") and not withhold:
            points = steps if missing == "learned_seq" else 1
            self.absent = nn.Parameter(torch.empty(modalities, points, width))
            nn.init.normal_(self.absent, std=INITIAL_STD)

    def stand_in(self, streams: list[Tensor], present: Tensor) -> list[Tensor]:
        """Mark and replace; see `StandIn`."""
        return [
            self._mark(number, encoded, there)
            for number, (encoded, there) in enumerate(zip(streams, present, strict=True))
        ]

    def _mark(self, modality: int, encoded: Tensor, present: Tensor) -> Tensor:
        """Mark the encoded sequences (B, T, width) of one modality; `present` is (B,) bool."""
        marked = encoded + self._type(modality, present)
        if self.withhold:
            return marked
        return torch.where(present[:, None, None], marked, self._embedding(modality, encoded))

    def _type(self, modality: int, present: Tensor) -> Tensor:
        if self.borrow is None or self.borrow[0] != modality:
            return self.types[modality]
        _, lender, micro_batch = self.borrow
        lacking = any_in_window(~present, micro_batch.size(self.training))
        return torch.where(lacking[:, None], self.types[lender], self.types[modality])[:, None]

    def _embedding(self, modality: int, encoded: Tensor) -> Tensor:
        if self.absent is not None:
            return self.absent[modality]
        return self.types[modality] if self.missing == "zero_plus_type" else encoded.new_zeros(())
