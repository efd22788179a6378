"""Which drugs a subject takes, instead of one arbitrary record of its list (H-41)."""

import numpy as np
import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.collapse import StudyTable
from fleximodal.sources.adni.encoding import Features

#: A drug is a feature if at least this share of the subjects with records takes it.
FREQUENT = 0.02

_RECORD = "RECNO"
_PREFIX = "CM"


def without_records(table: StudyTable) -> StudyTable:
    """Return the table without the columns that describe one drug."""
    describing = [name for name in table.raw if name.startswith(_PREFIX) or name == _RECORD]
    return StudyTable(table.path, table.rows.drop(describing), table.raw)


def drugs(table: StudyTable, stay_ids: pl.Series) -> Features:
    """Return one feature per frequent drug: +1 if any record of the subject names it, else -1.

    Names are compared in upper case with single blanks; only subjects of `stay_ids` count.

    Raises
    ------
    FleximodalError
        If the table has no column CMMED, or no drug is frequent.
    """
    if "CMMED" not in table.raw:
        raise FleximodalError(
            f"{table.path} lacks the column CMMED; set sources.adni.medication to last_row."
        )
    name = pl.col("CMMED").str.to_uppercase().str.replace_all(r"\s+", " ")
    records = table.rows.filter(pl.col("stay_id").is_in(stay_ids.implode()))
    taken = records.select("stay_id", drug=name).unique()
    subjects = np.unique(taken["stay_id"].to_numpy())
    users = taken.drop_nulls().group_by("drug").len()
    frequent = users.filter(pl.col("len") >= FREQUENT * len(subjects))["drug"].sort()
    if frequent.is_empty():
        raise FleximodalError(
            f"{table.path} names no drug that {FREQUENT:.0%} of the subjects take; set "
            "sources.adni.medication to last_row."
        )
    values = np.full((len(subjects), len(frequent)), -1, np.float32)
    known = taken.filter(pl.col("drug").is_in(frequent.implode()))
    row = np.searchsorted(subjects, known["stay_id"].to_numpy())
    column = known["drug"].replace_strict(frequent, range(len(frequent)), return_dtype=pl.Int64)
    values[row, column.to_numpy()] = 1
    names = [f"CMMED_{drug}" for drug in frequent]
    return Features(subjects, names, [True] * len(names), values)
