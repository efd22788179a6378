"""ECG records: those of ICU stays, and all of them for training an encoder."""

from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.sources.mimic.tables import scan_table, sink
from fleximodal.sources.mimic4.items import place_items, write_items


def write_ecgs(path: Path, segments: pl.DataFrame, unsorted: Path, target: Path) -> dict[str, Any]:
    """Write ecgs.parquet: the records whose time lies in an ICU stay.

    Columns: stay_id, patient_id, item_id (study_id), hours, path (below the module's folder,
    without extension).
    """
    drop = {
        "without_id": _without_id(),
        "without_time": pl.col("time").is_null(),
    }
    counts = place_items(_scan(path), path, segments, unsorted, drop=drop)
    repeats = write_items(
        unsorted,
        target,
        path,
        id_column="study_id",
        arrange=lambda block: block.drop("shared"),
    )
    return {**counts, "repeated": repeats}


def write_ecg_records(path: Path, unsorted: Path, target: Path) -> int:
    """Write ecg_records.parquet: patient_id, item_id, path of all records; return their number."""
    sink(_scan(path).filter(~_without_id()).select("patient_id", "item_id", "path"), unsorted, path)
    write_items(unsorted, target, path, key="patient_id", id_column="study_id")
    return pl.scan_parquet(target).select(pl.len()).collect().item()


def _scan(path: Path) -> pl.LazyFrame:
    return scan_table(
        path,
        {
            "subject_id": pl.Int64,
            "study_id": pl.String,
            "ecg_time": pl.Datetime("us"),
            "path": pl.String,
        },
    ).select("path", patient_id="subject_id", item_id="study_id", time="ecg_time")


def _without_id() -> pl.Expr:
    return pl.any_horizontal(pl.col("patient_id", "item_id", "path").is_null())
