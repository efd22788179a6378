"""The label of a subject: its diagnosis, if that is the same at every visit."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleximodal.sources.adni.tables import numbers, read_table, refuse, subjects

GAP = "a visit without a diagnosis"
CHANGES = "the diagnosis changes"
NO_ROW = "no row in the table of diagnoses"


@dataclass(frozen=True)
class Labels:
    """One row per subject of the table of diagnoses."""

    subjects: pl.DataFrame

    @property
    def complete(self) -> pl.Series:
        """Subjects (`stay_id`) of whom no visit lacks a diagnosis, converters among them."""
        return self.subjects.filter(pl.col("why").ne_missing(GAP))["stay_id"]


def read_labels(path: Path) -> Labels:
    """Read the table of diagnoses.

    Subjects with an empty DIAGNOSIS in any row and those whose diagnosis changes have no label.

    Returns
    -------
    Labels
        `subjects` has stay_id i64 ascending, diagnosis i8 (0 CN, 1 MCI, 2 dementia, or null) and
        why (text, null for a labelled subject).

    Raises
    ------
    FleximodalError
        If a DIAGNOSIS is none of 1, 2, 3 and empty, or the table can't be read.
    """
    rows = read_table(path, ("PTID", "DIAGNOSIS"))
    code = numbers(rows["DIAGNOSIS"])
    wrong = rows["DIAGNOSIS"].is_not_null() & ~code.is_in([1.0, 2.0, 3.0]).fill_null(False)
    refuse(path, wrong, "has a DIAGNOSIS that is none of 1, 2 and 3; mend the row")
    visits = pl.DataFrame([subjects(rows, path), code.alias("code")])
    gap, changes = pl.col("gap"), pl.col("low") != pl.col("high")
    told = (
        visits.group_by("stay_id")
        .agg(
            gap=pl.col("code").is_null().any(),
            low=pl.col("code").min(),
            high=pl.col("code").max(),
        )
        .sort("stay_id")
        .select(
            "stay_id",
            diagnosis=pl.when(~gap & ~changes).then((pl.col("low") - 1).cast(pl.Int8)),
            why=pl.when(gap).then(pl.lit(GAP)).when(changes).then(pl.lit(CHANGES)),
        )
    )
    return Labels(told)
