"""Which modalities a stay has, as one number (Flex-MoE section 3.2)."""

import itertools
from functools import cache

import torch
from torch import Tensor


@cache
def combinations(modalities: int) -> tuple[tuple[int, ...], ...]:
    """Return the ``2^M - 1`` sets of modalities in the order of their numbers.

    Larger sets come first, sets of one size in lexicographic order, so that the set of all
    modalities is number 0 and the last modality alone the last number.

    Parameters
    ----------
    modalities
        Number of modalities M.
    """
    sizes = range(modalities, 0, -1)
    return tuple(
        members for size in sizes for members in itertools.combinations(range(modalities), size)
    )


def combination_index(present: Tensor) -> Tensor:
    """Return the number of each stay's combination, (B,) int64; -1 where there is no modality.

    Parameters
    ----------
    present
        (M, B) bool, which modalities are there.
    """
    modalities = len(present)
    table = torch.tensor(_by_bits(modalities), device=present.device)
    bits = (1 << torch.arange(modalities, device=present.device)).unsqueeze(1)
    return table[(present * bits).sum(0)]


@cache
def _by_bits(modalities: int) -> tuple[int, ...]:
    """Return the number of each combination; modality m contributes ``2^m`` to the place."""
    table = [-1] * 2**modalities
    for number, members in enumerate(combinations(modalities)):
        table[sum(1 << member for member in members)] = number
    return tuple(table)
