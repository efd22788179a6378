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
        what the encoder made of nothing stays. observed: as combination for the sets that `prepare`
        has seen, which alone have rows, as per_modality for others.
    init_std
        Standard deviation of initial blocks.

    Attributes
    ----------
    cells
        (2^M - 1, M, T, d); row c is read by stays of combination c, and of it the blocks of
        modalities that c lacks. Of kind observed (R, M, T, d), a row for each set that occurs, none
        before `prepare`. None for kinds without.
    shared
        (M, T, d), blocks of modalities whatever else is there; None for kinds without.
    row_of
        (2^M - 1,) int64, kind observed alone: row of each combination, -1 for none.
    """

    cells: nn.Parameter | None
    shared: nn.Parameter | None
    row_of: Tensor | None

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
        self.kind, self.init_std = kind, init_std
        every, block = len(combinations(modalities)), (modalities, steps, width)
        rows = {"combination": every, "observed": 0}
        cells = torch.empty(rows[kind], *block) if kind in rows else None
        shared = torch.empty(block) if kind in ("per_modality", "observed") else None
        for name, blocks in (("cells", cells), ("shared", shared)):
            if blocks is not None:
                nn.init.normal_(blocks, std=init_std)
            self.register_parameter(name, None if blocks is None else nn.Parameter(blocks))
        self.register_buffer("row_of", torch.full((every,), -1) if kind == "observed" else None)
        self.register_load_state_dict_pre_hook(_take_rows)

    def prepare(self, present: Tensor) -> None:
        """Give the combinations of training stays a row each, of kind observed; see `StandIn`."""
        if self.row_of is None or self.cells is None:
            return
        found = combination_index(present.to(self.row_of.device))
        occurring = found[found >= 0].unique()
        self.row_of.fill_(-1)
        self.row_of[occurring] = torch.arange(len(occurring), device=self.row_of.device)
        rows = self.cells.new_empty(len(occurring), *self.cells.shape[1:])
        self.cells = nn.Parameter(nn.init.normal_(rows, std=self.init_std))

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
        row = combination_index(present)
        if self.row_of is not None:
            row = torch.where(row < 0, row, self.row_of[row.clamp_min(0)])
        if not len(self.cells):
            return blocks
        known = row >= 0
        return torch.where(known[:, None, None, None], self.cells[row.clamp_min(0)], blocks)


def _take_rows(bank: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Make a bank of kind observed as long as the stored one, which was prepared."""
    assert isinstance(bank, MissingBank)
    stored = state.get(f"{prefix}cells")
    if bank.kind != "observed" or bank.cells is None or stored is None:
        return
    # A new parameter only where it must be: an optimiser knows the old one.
    if bank.cells.shape != stored.shape:
        bank.cells = nn.Parameter(bank.cells.new_empty(stored.shape))
