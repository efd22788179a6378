"""Which stays of a split's parts a cell uses."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from fleximodal.dataset.packed import PackedDataset
from fleximodal.dataset.ragged import Series
from fleximodal.errors import FleximodalError

ALL_CASES = "all"


def kept_stays(
    dataset: PackedDataset,
    parts: Mapping[str, np.ndarray],
    *,
    cases: str,
    overlong: Literal["truncate", "drop"] = "truncate",
    limit: int | None = None,
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
    kept = {part: positions[wanted[positions]] for part, positions in parts.items()}
    emptied = [part for part in parts if len(parts[part]) and not len(kept[part])]
    if emptied:
        raise FleximodalError(
            f"no stay of part {emptied[0]!r} of {dataset.source}/{dataset.task} is left with "
            f"cases {cases!r} and overlong stays {overlong!r}; use more stays or other cases"
        )
    return kept
