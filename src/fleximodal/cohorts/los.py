"""Task `LOS`: out of intensive care before hour 96, from the first 48 hours of the stay."""

import polars as pl

from fleximodal.cohorts.ihm48 import build_two_days
from fleximodal.cohorts.task import Built, Request, Task

TASK = Task("stay", ("discharge",))
LEAVES_WITHIN = pl.duration(hours=96)


def build(request: Request) -> Built:
    """Build the cohort: label 1 leaves the unit before hour 96 and the hospital alive.

    Who leaves the unit before hour 96 and dies later in the same admission is negative.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    soon = pl.col("outtime") - pl.col("intime") < LEAVES_WITHIN
    label = (soon & (pl.col("in_hospital_death") == 0)).cast(pl.Int8)
    return build_two_days(request, TASK, label)
