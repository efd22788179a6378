"""The bank of embeddings for absent modalities (Flex-MoE section 3.2)."""

from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.combinations import combination_index, combinations
from fleximodal.models.missing import StandIn

BankKind = Literal["combination", "per_modality", "zero_tokens", "zero_input", "observed"]


class MissingBank(StandIn):
    """Puts token blocks in the place of absent modalities; observed ones never read the bank.

    A stay that has no modality at all has no combination: kinds without `shared` give it zeros.

    Parameters
    ----------
    modalities
        Number of modalities M.
    steps
        Tokens T of a modality.
    width
        Model width d.
    kind
        combination: a learned block for each set of modalities that are there and each modality
        that is not. per_modality: one learned block per modality. zero_tokens: zeros. zero_input:
        what the encoder made of nothing stays. observed: as combination where `prepare` has seen
        the set, as per_modality where it has not.
    init_std
        Standard deviation of initial blocks.

    Attributes
    ----------
    cells
        (2^M - 1, M, T, d); row c is read by stays of combination c, and of it the blocks of
        modalities that c lacks. None for kinds without.
    shared
        (M, T, d), blocks of modalities whatever else is there; None for kinds without.
    occurs
        (2^M - 1,) bool, kind observed alone: combinations that have a row.
    """

    cells: nn.Parameter | None
    shared: nn.Parameter | None
    occurs: Tensor | None

    def __init__(
        self,
        *,
        modalities: int,
        steps: int,
        width: int,
        kind: BankKind,
        init_std: float = 1.0,
    ) -> None:
        super().__init__()
        self.kind = kind
        rows, block = len(combinations(modalities)), (modalities, steps, width)
        cells = torch.empty(rows, *block) if kind in ("combination", "observed") else None
        shared = torch.empty(block) if kind in ("per_modality", "observed") else None
        for name, blocks in (("cells", cells), ("shared", shared)):
            if blocks is not None:
                nn.init.normal_(blocks, std=init_std)
            self.register_parameter(name, None if blocks is None else nn.Parameter(blocks))
        occurs = torch.zeros(rows, dtype=torch.bool) if kind == "observed" else None
        self.register_buffer("occurs", occurs)

    def prepare(self, present: Tensor) -> None:
        """Keep the combinations of training stays; see `StandIn`."""
        if self.occurs is not None:
            found = combination_index(present.to(self.occurs.device))
            self.occurs.zero_()
            self.occurs[found[found >= 0]] = True

    def stand_in(self, streams: list[Tensor], present: Tensor) -> list[Tensor]:
        """Replace absent modalities; see `StandIn`."""
        if self.kind == "zero_input":
            return streams
        blocks = self._blocks(streams[0], present)
        return [
            torch.where(there[:, None, None], x, blocks[:, m])
            for m, (x, there) in enumerate(zip(streams, present, strict=True))
        ]

    def _blocks(self, like: Tensor, present: Tensor) -> Tensor:
        """Return what stands in for each modality of each stay, (B or 1, M, T or 1, d or 1)."""
        blocks = like.new_zeros(1, len(present), 1, 1)
        if self.shared is not None:
            blocks = self.shared.unsqueeze(0)
        if self.cells is None:
            return blocks
        number = combination_index(present)
        row = number.clamp_min(0)
        known = number >= 0
        if self.occurs is not None:
            known = known & self.occurs[row]
        return torch.where(known[:, None, None, None], self.cells[row], blocks)
