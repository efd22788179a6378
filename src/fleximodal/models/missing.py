"""Absent modalities and the type vectors of present ones."""

from typing import Literal

import torch
from torch import Tensor, nn

MissingEmbedding = Literal["learned", "zero"]

INITIAL_STD = 0.02


class ModalityMarker(nn.Module):
    """Adds a type vector to present modalities and puts an embedding in the place of absent ones.

    The embedding of an absent modality is one learned tensor (T, width) per modality, which
    replaces the encoded sequence and receives no type vector (FuseMoE section 3.2, "missing
    indicator"). NOTE[DIFF] The released code puts zeros there (``missing="zero"``). The papers
    leave initial values open: N(0, 0.02^2) as for positions.

    Parameters
    ----------
    modalities
        Number of modalities.
    steps
        Grid points T.
    width
        Model width.
    missing
        What stands in for an absent modality.
    """

    def __init__(
        self, *, modalities: int, steps: int, width: int, missing: MissingEmbedding
    ) -> None:
        super().__init__()
        self.types = nn.Parameter(torch.empty(modalities, width))
        nn.init.normal_(self.types, std=INITIAL_STD)
        self.absent: nn.Parameter | None = None
        if missing == "learned":
            self.absent = nn.Parameter(torch.empty(modalities, steps, width))
            nn.init.normal_(self.absent, std=INITIAL_STD)

    def forward(self, modality: int, encoded: Tensor, present: Tensor) -> Tensor:
        """Mark the encoded sequences (B, T, width) of one modality; `present` is (B,) bool."""
        stand_in = encoded.new_zeros(()) if self.absent is None else self.absent[modality]
        return torch.where(present[:, None, None], encoded + self.types[modality], stand_in)
