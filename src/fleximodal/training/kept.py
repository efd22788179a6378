"""Which stays of a split's parts a cell uses."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from fleximodal.config.cell import ALL_CASES
from fleximodal.dataset.packed import PackedDataset
from fleximodal.dataset.ragged import Series, Table
from fleximodal.errors import FleximodalError


def without_modality(dataset: PackedDataset) -> np.ndarray:
    """Return which stays have none of the dataset's modalities, (n,) bool, if all are tables.

    Of such a stay a network would see nothing but stand-ins (Flex-MoE, register H-6). Where there
    is a series or there are items, nobody is left out, so that cells with different modalities keep
    the same stays.
    """
    modalities = dataset.modalities.values()
    if not all(isinstance(modality, Table) for modality in modalities):
        return np.zeros(dataset.num_stays, dtype=bool)
    there = [np.diff(modality.row_offsets) > 0 for modality in modalities]
    return ~np.logical_or.reduce(there)


def kept_stays(
    dataset: PackedDataset,
    parts: Mapping[str, np.ndarray],
    *,
    cases: str,
    overlong: Literal["truncate", "drop"] = "truncate",
    limit: int | None = None,
    unseen: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return the parts without the stays that are not wanted, in the same order.

    Parameters
    ----------
    dataset
        All modalities, also those that the cell does not use: so cells with different modalities
        keep the same stays.
    parts
        (n,) positions in the dataset by part.
    cases
        "all", or modalities joined by "+" of which a stay must have something in each (complete
        cases).
    overlong
        truncate keeps stays of any length. NOTE[DIFF] drop, as in the released code: a stay with
        `limit` times or more of some series is left out of every part.
    limit
        Number of times that is too many; None where there is no limit.
    unseen
        (n,) bool, stays that are left out of every part because the cell sees nothing of them;
        None for nobody.

    Raises
    ------
    FleximodalError
        If `cases` names a modality that the dataset does not have, or a part loses all its stays.
    """
    wanted = np.ones(dataset.num_stays, dtype=bool)
    if cases != ALL_CASES:
        for modality in dataset.select(cases.split("+")).modalities.values():
            wanted &= np.diff(modality.row_offsets) > 0
    if overlong == "drop" and limit is not None:
        for modality in dataset.modalities.values():
            if isinstance(modality, Series):
                wanted &= np.diff(modality.row_offsets) < limit
    if unseen is not None:
        wanted &= ~unseen
    kept = {part: positions[wanted[positions]] for part, positions in parts.items()}
    emptied = [part for part in parts if len(parts[part]) and not len(kept[part])]
    if emptied:
        raise FleximodalError(
            f"no stay of part {emptied[0]!r} of {dataset.source}/{dataset.task} is left with "
            f"cases {cases!r} and overlong stays {overlong!r}; use more stays, other cases or "
            "other modalities"
        )
    return kept
