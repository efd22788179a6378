"""Radiology reports of ICU stays, and the discharge summaries of admissions."""

from pathlib import Path
from typing import Any

import polars as pl
from polars.datatypes import DataTypeClass

from fleximodal.sources.mimic.tables import scan_table, sink, sink_counting
from fleximodal.sources.mimic4.items import place_items, write_items
from fleximodal.sources.mimic4.reasons import first_reason

_COLUMNS: dict[str, pl.DataType | DataTypeClass] = {
    "note_id": pl.String,
    "subject_id": pl.Int64,
    "hadm_id": pl.Int64,
    "charttime": pl.Datetime("us"),
    "text": pl.String,
}
_NUL = "\0"


def write_radiology(
    path: Path, segments: pl.DataFrame, unsorted: Path, target: Path
) -> dict[str, Any]:
    """Write notes.parquet: the radiology reports and addenda whose time lies in an ICU stay.

    The time is that of the examination (charttime). NUL bytes are removed and counted.
    """
    scan = scan_table(path, _COLUMNS).select(
        "text", patient_id="subject_id", item_id="note_id", time="charttime"
    )
    drop = {
        "without_id": pl.any_horizontal(pl.col("item_id", "patient_id").is_null()),
        "without_time": pl.col("time").is_null(),
        "without_text": _without_text(),
    }
    counts = place_items(scan, path, segments, unsorted, drop=drop)
    return {**counts, **_write(unsorted, target, path)}


def write_discharge(
    path: Path, units: pl.DataFrame, unsorted: Path, target: Path
) -> dict[str, Any]:
    """Write discharge_notes.parquet: the discharge summaries, without addenda, of some admissions.

    Parameters
    ----------
    path
        The table note/discharge.
    units
        Columns patient_id, admission_id: the admissions that are wanted.
    unsorted, target
        A file for the rows in between, and the file to write: stay_id (the admission's id),
        patient_id, item_id, hours (0), text.
    """
    rows = scan_table(path, {**_COLUMNS, "note_type": pl.String})
    copied = unsorted.with_stem("discharge_of_units")
    of_unit = pl.col("hadm_id").is_in(units["admission_id"].implode())
    read = sink_counting(rows.filter(of_unit), rows, copied, path)
    wanted = pl.scan_parquet(copied).join(
        units.lazy().select(pl.col("admission_id").alias("hadm_id"), owner="patient_id"),
        on="hadm_id",
        how="inner",
        maintain_order="left",
    )
    addendum = pl.col("note_type") != "DS"
    drop = {
        "without_id": pl.col("note_id").is_null(),
        "of_other_patient": pl.col("subject_id").ne_missing(pl.col("owner")),
        "addenda": addendum.fill_null(False),
        "without_text": _without_text(),
    }
    judged = wanted.with_columns(first_reason(drop))
    kept = judged.filter(pl.col("reason").is_null()).select(
        pl.col("hadm_id").alias("stay_id"),
        pl.col("subject_id").alias("patient_id"),
        pl.col("note_id").alias("item_id"),
        pl.lit(0.0, dtype=pl.Float32).alias("hours"),
        "text",
        pl.lit(False).alias("shared"),
    )
    sink(kept, unsorted, copied)
    reasons = judged.group_by("reason").agg(rows=pl.len()).collect(engine="streaming")
    numbers = {reason: int(rows) for reason, rows in reasons.iter_rows()}
    return {
        "read": read,
        "of_other_admissions": read - sum(numbers.values()),
        "kept": numbers.pop(None, 0),
        "dropped": {name: numbers.get(name, 0) for name in drop},
        **_write(unsorted, target, path),
    }


def _write(unsorted: Path, target: Path, path: Path) -> dict[str, int]:
    counts = {"with_nul": 0}

    def clean(block: pl.DataFrame) -> pl.DataFrame:
        text = pl.col("text").str
        counts["with_nul"] += block.filter(text.contains(_NUL, literal=True)).height
        return block.drop("shared").with_columns(text.replace_all(_NUL, "", literal=True))

    repeats = write_items(unsorted, target, path, id_column="note_id", arrange=clean)
    return {**counts, "repeated": repeats}


def _without_text() -> pl.Expr:
    text = pl.col("text").str.strip_chars("\0 \t\r\n")
    return text.is_null() | (text == "")
