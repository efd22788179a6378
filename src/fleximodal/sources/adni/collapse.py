"""All visits of a subject to one row, and the rows of several tables to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import polars as pl

from fleximodal.sources.adni.tables import numbers, read_table, refuse, subjects, times

STAMP = "UPDATE_STAMP"
#: Never features: whose row it is, and when it was exported.
KEYS = ("PTID", "RID", STAMP)

_SENTINELS = (-4.0, -1.0)
_YEARS = ("PTDOBYY", "PTRTYR", "CMBGNYR_DRVD", "CMENDYR_DRVD")
_NO_YEAR = 9999.0


@dataclass(frozen=True)
class StudyTable:
    """One raw table: `stay_id`, its columns as text, and `stamp`, when the row was exported.

    `raw` are the columns of the file, of which some may have been taken out since.
    """

    path: Path
    rows: pl.DataFrame
    raw: frozenset[str]


@dataclass(frozen=True)
class Merged:
    """One row per subject: `stay_id` ascending and columns of text.

    `numeric` are the columns that held nothing but numbers in every raw table that has them.
    """

    rows: pl.DataFrame
    numeric: frozenset[str]

    def without(self, columns: Sequence[str]) -> "Merged":
        """Return the table without the columns of exactly these names."""
        return Merged(self.rows.drop(columns, strict=False), self.numeric)

    def of(self, stay_ids: pl.Series) -> "Merged":
        """Return the rows of these subjects alone."""
        rows = self.rows.filter(pl.col("stay_id").is_in(stay_ids.implode()))
        return Merged(rows, self.numeric)


def read_study_table(path: Path, *, linked: bool = True) -> StudyTable:
    """Read one table; without `linked` it names no PTID and its `stay_id` is left to be found.

    Raises
    ------
    FleximodalError
        If the table can't be read, or a PTID or an UPDATE_STAMP is not of its form.
    """
    rows = read_table(path, ("PTID", STAMP) if linked else ("RID", "PHASE", STAMP))
    stamp = times(rows[STAMP])
    wrong = rows[STAMP].is_not_null() & stamp.is_null()
    refuse(path, wrong, "has an UPDATE_STAMP that is not a time; mend the row")
    found = [subjects(rows, path)] if linked else []
    columns = rows.with_columns(*found, stamp.alias("stamp"))
    return StudyTable(path, columns, frozenset(rows.columns))


def without_sentinels(table: StudyTable) -> StudyTable:
    """Return the table with -4 and -1, and 9999 in columns of years, taken for missing (H-20)."""
    cleaned = []
    for name in sorted(table.raw.intersection(table.rows.columns).difference(KEYS)):
        value = numbers(table.rows[name])
        codes = (*_SENTINELS, _NO_YEAR) if name in _YEARS else _SENTINELS
        cleaned.append(table.rows[name].set(value.is_in(codes).fill_null(False), None))
    return StudyTable(table.path, table.rows.with_columns(cleaned), table.raw)


def merge(tables: Sequence[StudyTable]) -> Merged:
    """Collapse each table and join all on the subject; a shared column takes its first value.

    Of each column a subject keeps the last cell that is not missing, by UPDATE_STAMP; of equal
    stamps the row further down is the later one, and a row without a stamp is the earliest (H-39).
    """
    whole = reduce(_join, map(_collapse, tables)).sort("stay_id")
    textual = {
        name
        for table in tables
        for name in table.rows.columns
        if name in whole.columns and name != "stay_id" and not _is_numeric(table.rows[name])
    }
    return Merged(whole, frozenset(whole.columns) - textual - {"stay_id"})


def common_columns(tables: Sequence[StudyTable]) -> list[str]:
    """Return the columns that every raw table has, in alphabetical order, and the keys."""
    shared = frozenset.intersection(*(table.raw for table in tables))
    return sorted(shared.union(KEYS))


def _collapse(table: StudyTable) -> pl.DataFrame:
    ordered = table.rows.sort("stamp", nulls_last=False, maintain_order=True)
    last = pl.all().exclude("stamp", *KEYS).drop_nulls().last()
    return ordered.group_by("stay_id", maintain_order=True).agg(last)


def _join(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    shared = [name for name in right.columns if name in left.columns and name != "stay_id"]
    joined = left.join(right, on="stay_id", how="full", coalesce=True, suffix=" right")
    coalesced = [pl.coalesce(name, f"{name} right").alias(name) for name in shared]
    return joined.with_columns(coalesced).drop(f"{name} right" for name in shared)


def _is_numeric(text: pl.Series) -> bool:
    return text.dtype == pl.String and numbers(text).null_count() == text.null_count()
