"""How the stored data are read: limits, time axes, imputation."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fleximodal.dataset.ragged import Items, Series

TimeAxis = Literal["uniform", "authors"]
Imputation = Literal["locf_mean", "authors_f_impute"]
ItemLimit = Literal["all", "notes"]

NOTES = "notes"
IN_HOURS = ("cxr", "ecg")


@dataclass(frozen=True)
class Reading:
    """Choices that change what a network is given, but not what is stored.

    Attributes
    ----------
    max_rows
        A stay with more times of a series than this keeps its last ones. The grid sees them all.
    max_items
        A stay with more items of a modality than this keeps its last ones; None keeps all.
    item_limit
        Which modalities `max_items` cuts. NOTE[DIFF] notes alone, as in the released code.
    time_axis
        uniform: hours / horizon. NOTE[DIFF] authors, as in the released code: a note's time is 1
        less that, images and ECGs keep their hours. On MIMIC-III the released code counts a note's
        hours from the end of the window, so that there its times agree with `uniform`.
    imputation
        What fills the grid, see `fleximodal.dataset.grid`.
    """

    max_rows: int = 1000
    max_items: int | None = None
    item_limit: ItemLimit = "all"
    time_axis: TimeAxis = "uniform"
    imputation: Imputation = "locf_mean"

    def kept(self, modality: Series | Items) -> int | None:
        """Return how many of its last times each stay keeps of a modality; None for all."""
        if isinstance(modality, Series):
            return self.max_rows
        limited = self.item_limit == "all" or modality.name == NOTES
        return self.max_items if limited else None

    def times(self, modality: Series | Items, *, horizon_hours: float, source: str) -> np.ndarray:
        """Return the times (R,) float32 that the time embedding sees."""
        times = (modality.hours / horizon_hours).astype(np.float32)
        if self.time_axis == "authors":
            if modality.name == NOTES and not source.endswith("mimic3"):
                return 1 - times
            if modality.name in IN_HOURS:
                return modality.hours
        return times


DEFAULT = Reading()
