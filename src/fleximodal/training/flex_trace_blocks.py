"""Sums over stays of the token blocks that enter the trunk of Flex-MoE."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fleximodal.combination_names import combinations_of

SAMPLED = 200  # stays per modality whose tokens are kept, for the probe


class Blocks:
    """What is kept of the token blocks (T, d) of M modalities, summed in double precision.

    Parameters
    ----------
    letters
        Initials of the M modalities.
    stays
        Stays n that will be added, from which `SAMPLED` are chosen evenly.

    Attributes
    ----------
    of_combination, of_missing
        Sum of the M blocks, (C, M, T, d), over the stays of each combination, and (M, M, T, d) over
        the stays that lack each modality; `stays_of_combination` (C,) and `stays_of_missing` (M,)
        are their numbers.
    encoded, square
        Per modality, over the stays that have it: sum of its block, (M, T, d), and of the squared
        length of its block, (M,).
    """

    of_combination: Tensor
    of_missing: Tensor
    encoded: Tensor

    def __init__(self, letters: str, stays: int) -> None:
        self.letters = letters
        self.names = combinations_of(letters)
        modalities = len(letters)
        self.stays_of_combination = torch.zeros(len(self.names), dtype=torch.int64)
        self.stays_of_missing = torch.zeros(modalities, dtype=torch.int64)
        self.stays_of_present = torch.zeros(modalities, dtype=torch.int64)
        self.square = torch.zeros(modalities, dtype=torch.float64)
        self._every = max(1, stays // SAMPLED)
        self._tokens: list[list[Tensor]] = [[] for _ in letters]

    def add(self, streams: Sequence[Tensor], present: Tensor, combination: Tensor) -> None:
        """Add M blocks (B, T, d) of B stays; `present` (M, B) bool, `combination` (B,)."""
        blocks = torch.stack(list(streams)).double().cpu()
        present, combination = present.cpu(), combination.cpu()
        if not hasattr(self, "encoded"):
            shape = blocks.shape[2:]
            modalities = len(self.letters)
            self.encoded = torch.zeros(modalities, *shape, dtype=torch.float64)
            self.of_missing = torch.zeros(modalities, modalities, *shape, dtype=torch.float64)
            sizes = (len(self.names), modalities, *shape)
            self.of_combination = torch.zeros(sizes, dtype=torch.float64)
        known = combination >= 0
        self.of_combination.index_add_(0, combination[known], blocks[:, known].transpose(0, 1))
        self.stays_of_combination += torch.bincount(combination[known], minlength=len(self.names))
        for number, there in enumerate(present):
            self.of_missing[number] += blocks[:, ~there].sum(1)
            self.stays_of_missing[number] += int((~there).sum())
            own = blocks[number, there]
            before = int(self.stays_of_present[number])
            self.encoded[number] += own.sum(0)
            self.square[number] += own.square().sum()
            self.stays_of_present[number] += len(own)
            first = -before % self._every
            self._tokens[number].append(own[first :: self._every])

    def tokens(self, modality: int) -> Tensor:
        """Return the encoder's blocks of the sampled stays that have a modality, (n, T, d)."""
        return torch.cat(self._tokens[modality])[:SAMPLED]

    def combination_means(self) -> Tensor:
        """Return the mean blocks of each combination, (C, M * T * d); NaN without stays."""
        return (self.of_combination / _counts(self.stays_of_combination, 4)).flatten(1)

    def missing_means(self) -> Tensor:
        """Return the mean blocks of the stays that lack each modality, (M, M * T * d)."""
        return (self.of_missing / _counts(self.stays_of_missing, 4)).flatten(1)


def _counts(stays: Tensor, dimensions: int) -> Tensor:
    return stays.double().view(-1, *[1] * (dimensions - 1))
