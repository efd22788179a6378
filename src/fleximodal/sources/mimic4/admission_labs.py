"""One row of laboratory and vital summaries per admission: last, mean, lowest, highest value."""

from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.sources.mimic.blocks import write_blocks
from fleximodal.sources.mimic4.channels import HAIM_LABS, VITALS
from fleximodal.sources.mimic4.ranges import clipped, in_range, is_finite, limits_by_item

STATISTICS = ("last", "mean", "min", "max")
CHANNEL_NAMES = tuple(channel.name for channel in (*HAIM_LABS, *VITALS))
FEATURES = tuple(f"{name}_{statistic}" for name in CHANNEL_NAMES for statistic in STATISTICS)

_CHANNEL = pl.Enum(CHANNEL_NAMES)


def write_admission_labs(
    extracted: Path,
    events: Path,
    units: pl.DataFrame,
    stays: pl.DataFrame,
    work: Path,
    target: Path,
    *,
    range_filter: bool,
) -> dict[str, Any]:
    """Write admission_labs.parquet: stay_id (the admission's id), patient_id, one f32 per feature.

    Laboratory values belong to the admission they name, or if they name none to the admission of
    their patient that holds their time. Vital signs are the events of the admission's ICU stays. Of
    several values at one time the first in the file counts.

    Parameters
    ----------
    extracted
        Rows of hosp/labevents from `labs.extract_labs`.
    events
        The canonical events.
    units
        patient_id, admission_id, admittime, dischtime of the admissions that are wanted.
    stays
        The canonical stays.
    work
        Folder for files in between.
    target
        Parquet file to write, one row per unit, sorted by stay_id.
    range_filter
        As for the events, which are filtered already.

    Returns
    -------
    dict
        `admissions`, `with_labs`, `with_vitals`, `lab_rows` and `vital_rows` used.
    """
    labs, vitals, wide = (work / f"unit_{name}.parquet" for name in ("labs", "vitals", "wide"))
    _lab_rows(extracted, units, range_filter=range_filter).sink_parquet(labs)
    _vital_rows(events, units, stays).sink_parquet(vitals)
    write_blocks([labs, vitals], wide, "admission_id", _summarise)
    with_labs, with_vitals = (
        pl.scan_parquet(path).select(pl.col("admission_id").n_unique(), pl.len()).collect().row(0)
        for path in (labs, vitals)
    )
    table = (
        units.select(pl.col("admission_id").alias("stay_id"), "patient_id")
        .join(pl.read_parquet(wide).rename({"admission_id": "stay_id"}), on="stay_id", how="left")
        .sort("stay_id")
    )
    table.write_parquet(target)
    return {
        "admissions": table.height,
        "with_labs": with_labs[0],
        "with_vitals": with_vitals[0],
        "lab_rows": with_labs[1],
        "vital_rows": with_vitals[1],
    }


def _lab_rows(extracted: Path, units: pl.DataFrame, *, range_filter: bool) -> pl.LazyFrame:
    limits = limits_by_item(HAIM_LABS, "labevents", range_filter=range_filter)
    wanted = units.lazy().select("patient_id", "admittime", "dischtime", unit="admission_id")
    inside = pl.col("time").is_between("admittime", "dischtime").fill_null(False)
    belongs = pl.coalesce(pl.col("admission_id") == pl.col("unit"), inside)
    return (
        pl.scan_parquet(extracted)
        .join(limits.lazy(), on="item", how="inner", maintain_order="left")
        .join(wanted, on="patient_id", how="inner", maintain_order="left")
        .filter(belongs & pl.col("time").is_not_null() & is_finite() & in_range())
        .select(
            pl.col("unit").alias("admission_id"),
            _hours("admittime", "time").alias("hours"),
            pl.col("channel").cast(pl.String).cast(_CHANNEL),
            clipped(),
        )
    )


def _vital_rows(events: Path, units: pl.DataFrame, stays: pl.DataFrame) -> pl.LazyFrame:
    starts = (
        stays.lazy()
        .join(units.lazy().select("admission_id", "admittime"), on="admission_id", how="inner")
        .select("stay_id", "admission_id", start=_hours("admittime", "intime"))
    )
    names = [channel.name for channel in VITALS]
    return (
        pl.scan_parquet(events)
        .with_columns(pl.col("channel").cast(pl.String))
        .filter(pl.col("channel").is_in(names))
        .join(starts, on="stay_id", how="inner", maintain_order="left")
        .select(
            "admission_id",
            (pl.col("start") + pl.col("hours").cast(pl.Float64)).alias("hours"),
            pl.col("channel").cast(_CHANNEL),
            "value",
        )
    )


def _hours(start: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(start)).dt.total_microseconds() / 3.6e9


def _summarise(block: pl.DataFrame) -> pl.DataFrame:
    """Return one row per admission of the block with all features."""
    value = pl.col("value")
    long = (
        block.unique(["admission_id", "channel", "hours"], keep="first", maintain_order=True)
        .sort("admission_id", "channel", "hours")
        .group_by("admission_id", "channel", maintain_order=True)
        .agg(
            last=value.last(),
            mean=value.cast(pl.Float64).mean().cast(pl.Float32),
            min=value.min(),
            max=value.max(),
        )
    )
    of_channel = [
        pl.col(statistic).filter(pl.col("channel") == name).first().alias(f"{name}_{statistic}")
        for name in CHANNEL_NAMES
        for statistic in STATISTICS
    ]
    return long.group_by("admission_id", maintain_order=True).agg(of_channel).sort("admission_id")
