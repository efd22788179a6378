"""Stays of MIMIC: the columns every task needs, and the exclusions of the MIMIC-III benchmark."""

from pathlib import Path

import polars as pl

from fleximodal.cohorts.counting import Selection
from fleximodal.cohorts.tables import scan_table

ADULT_YEARS = 18
COLUMNS = (
    "stay_id",
    "patient_id",
    "admission_id",
    "intime",
    "outtime",
    "los_days",
    "in_hospital_death",
    "age",
    "transferred",
)


def read_stays(canonical: Path) -> pl.DataFrame:
    """Return the stays with `hours`, the length of each, sorted by stay_id.

    Raises
    ------
    FleximodalError
        If `stays.parquet` or one of its columns is absent.
    """
    length = (pl.col("outtime") - pl.col("intime")).dt.total_microseconds() / 3.6e9
    stays = scan_table(canonical / "stays.parquet", COLUMNS).collect()
    return stays.with_columns(length.cast(pl.Float32).alias("hours")).sort("stay_id")


def exclude_as_benchmark(selection: Selection) -> None:
    """Leave out what Harutyunyan et al. (Scientific Data 2019) leave out of MIMIC-III."""
    selection.keep("of known length", pl.col("hours").is_not_null())
    selection.keep("without transfer between wards or units", ~pl.col("transferred"))
    # Counted among the stays that are left, in the benchmark's order.
    selection.keep("only stay of its admission", pl.len().over("admission_id") == 1)
    selection.keep("18 years or older", pl.col("age") >= ADULT_YEARS)


def public(table: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of `cohort.parquet`, sorted by stay_id."""
    flags = [name for name in table.columns if name.startswith("has_")]
    given = ["set"] if "set" in table.columns else []
    columns = ["stay_id", "patient_id", *given, "label", *flags, "hours"]
    return table.select(columns).sort("stay_id")
