"""Chest radiographs of ICU stays, from the table of metadata; the images stay where they are."""

from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.sources.mimic.tables import scan_table
from fleximodal.sources.mimic4.items import place_items, write_items


def write_images(
    path: Path, segments: pl.DataFrame, unsorted: Path, target: Path
) -> dict[str, Any]:
    """Write images.parquet: the radiographs whose time lies in an ICU stay.

    Columns: stay_id, patient_id, item_id (dicom_id), hours, path (below the module's folder), view.
    """
    scan = scan_table(
        path,
        {
            "dicom_id": pl.String,
            "subject_id": pl.Int64,
            "study_id": pl.Int64,
            "ViewPosition": pl.String,
            "StudyDate": pl.Int64,
            "StudyTime": pl.Float64,
        },
    ).select(
        patient_id="subject_id",
        item_id="dicom_id",
        time=study_time("StudyDate", "StudyTime"),
        path=image_path(),
        view="ViewPosition",
        given=pl.col("StudyDate").is_not_null() & pl.col("StudyTime").is_not_null(),
    )
    drop = {
        "without_id": pl.any_horizontal(pl.col("patient_id", "item_id", "path").is_null()),
        "without_time": ~pl.col("given"),
        "bad_time": pl.col("time").is_null(),
    }
    counts = place_items(scan, path, segments, unsorted, drop=drop)
    repeats = write_items(
        unsorted,
        target,
        path,
        id_column="dicom_id",
        arrange=lambda block: block.drop("shared", "given"),
    )
    return {**counts, "repeated": repeats}


def study_time(date: str, time: str) -> pl.Expr:
    """Return the time of a study from a date YYYYMMDD and a time HHMMSS.fff; null if invalid.

    The time is a number that lost its leading zeros: 74112.5 means 07:41:12.5 and 5.0 means
    00:00:05.
    """
    day = pl.col(date).cast(pl.String).str.to_date("%Y%m%d", strict=False)
    day = pl.when(pl.col(date).is_between(1000_01_01, 9999_12_31)).then(day)
    whole = pl.col(time).floor().cast(pl.Int64, strict=False)
    hour, minute, second = whole // 10_000, whole // 100 % 100, whole % 100
    valid = pl.col(time).is_between(0, 240_000, closed="left") & (minute <= 59) & (second <= 59)
    microseconds = (
        ((pl.col(time) - pl.col(time).floor()) * 1e6).round().cast(pl.Int64, strict=False)
    )
    of_day = (hour * 3600 + minute * 60 + second) * 1_000_000 + microseconds
    return pl.when(valid).then(
        day.cast(pl.Datetime("us")) + pl.duration(microseconds=of_day, time_unit="us")
    )


def image_path() -> pl.Expr:
    """Return files/pXX/pXXXXXXXX/sYYYYYYYY/<dicom_id>.jpg with pXX from the patient's id."""
    patient = pl.col("subject_id").cast(pl.String).str.zfill(8)
    study = pl.col("study_id").cast(pl.String).str.zfill(8)
    return pl.format(
        "files/p{}/p{}/s{}/{}.jpg", patient.str.slice(0, 2), patient, study, pl.col("dicom_id")
    )
