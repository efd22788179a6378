"""Charted and laboratory values of the 17 channels, each given to one ICU stay.

CHARTEVENTS (330 million rows) and LABEVENTS are read once: the rows of wanted items are copied
aside as they stream by, then cleaned and judged in a second pass over that copy. Every row copied
has one fate, the first that applies in the order of `FATES`, and is counted by it.

A row belongs to the stay that it names, provided HADM_ID and SUBJECT_ID agree with the table of
stays. A row that names none, as all of LABEVENTS, belongs to the latest stay of its admission that
had begun; before the first stay it belongs to the first, at a negative time, and is dropped.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.sources.mimic.events import write_events
from fleximodal.sources.mimic.segments import hours_between
from fleximodal.sources.mimic.tables import collect, scan_table, sink, sink_counting
from fleximodal.sources.mimic3.channels import CHANNEL_NAMES, CHART_ITEMS, LABORATORY_ITEMS
from fleximodal.sources.mimic3.cleaning import FAULTS, REPAIRS, clean, limit, with_channel
from fleximodal.sources.mimic3.release import Columns, required_table

FATES = (
    "marked as an error",
    "without time",
    "without admission",
    "admission without ICU stay",
    "inconsistent stay",
    *FAULTS,
    "before the stay",
    "after the stay",
    "out of range",
    "kept",
)

_TIME = pl.Datetime("us")
_LAB_COLUMNS: Columns = {
    "subject_id": pl.Int64,
    "hadm_id": pl.Int64,
    "itemid": pl.Int32,
    "charttime": _TIME,
    "value": pl.String,
    "valueuom": pl.String,
}
_CHART_COLUMNS: Columns = {**_LAB_COLUMNS, "icustay_id": pl.Int64, "error": pl.Int8}
# By these the rows are counted.
_CLASSES = ("fate", "channel", "outcome", "range", "recovered")
_BEFORE_ALL = pl.datetime(1, 1, 1)


@dataclass(frozen=True)
class Extracted:
    """What was counted, the files, and by name of the table how many rows were read and kept."""

    counts: dict[str, Any]
    paths: list[Path]
    rows: dict[str, dict[str, int]]


def extract_events(
    folder: Path,
    stays: pl.DataFrame,
    target: Path,
    scratch: Path,
    *,
    range_filter: bool,
    bound_at_outtime: bool,
) -> Extracted:
    """Write `events.parquet` from CHARTEVENTS and LABEVENTS.

    Parameters
    ----------
    folder
        Folder of the release.
    stays
        From `stays.read_stays`.
    target
        File to write; at equal stay, time and channel the first value is kept, those of
        CHARTEVENTS before those of LABEVENTS.
    scratch
        Folder for temporary files.
    range_filter
        Drop gross outliers and clip what is implausible, by the ranges in `channels`.
    bound_at_outtime
        Drop what was observed after the stay's end.

    Returns
    -------
    Extracted
        `counts`: by table the rows by channel that were `kept`, those `dropped` by fate, and of
        those kept the ones `repaired` (by kind), `clipped`, and `recovered` (CHARTEVENTS only: the
        row named no stay); `events` says how many repeat the time of another, see `write_events`.

    Raises
    ------
    FleximodalError
        If a table is absent, lacks a column, is damaged or has a field of the wrong type.
    """
    tables = {"CHARTEVENTS": CHART_ITEMS, "LABEVENTS": LABORATORY_ITEMS}
    paths = {name: required_table(folder, name) for name in tables}
    counts: dict[str, Any] = {}
    rows: dict[str, dict[str, int]] = {}
    unsorted = []
    for name, items in tables.items():
        columns = _CHART_COLUMNS if name == "CHARTEVENTS" else _LAB_COLUMNS
        scan = scan_table(paths[name], columns)
        copy = scratch / f"{name}_wanted.parquet"
        wanted = scan.filter(pl.col("itemid").is_in(items))
        read = sink_counting(wanted, scan, copy, paths[name])
        judged = _judge(
            _uniform(pl.scan_parquet(copy)),
            stays,
            range_filter=range_filter,
            bound_at_outtime=bound_at_outtime,
        )
        whole = scratch / f"{name}_judged.parquet"
        sink(judged.select("stay_id", "hours", "value", *_CLASSES), whole, copy)
        copy.unlink()
        numbers = collect(pl.scan_parquet(whole).group_by(_CLASSES).agg(rows=pl.len()), whole)
        counts[name] = _tell(numbers, named_stays=name == "CHARTEVENTS")
        wanted_rows = int(numbers["rows"].sum())
        kept_rows = sum(counts[name]["kept"].values())
        rows[name] = {"read": read, "of_channels": wanted_rows, "kept": kept_rows}
        unsorted.append(scratch / f"{name}_kept.parquet")
        sink(pl.scan_parquet(whole).filter(pl.col("fate") == "kept"), unsorted[-1], whole)
        whole.unlink()
    counts["events"] = write_events(unsorted, stays, CHANNEL_NAMES, target)
    for path in unsorted:
        path.unlink()
    return Extracted(counts, list(paths.values()), rows)


def _uniform(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Give the rows of LABEVENTS the columns that only CHARTEVENTS has, and names for cleaning."""
    absent = {
        name: pl.lit(None, dtype=dtype)
        for name, dtype in _CHART_COLUMNS.items()
        if name not in rows.collect_schema()
    }
    return rows.with_columns(**absent).rename({"value": "text", "valueuom": "unit"})


def _judge(
    rows: pl.LazyFrame, stays: pl.DataFrame, *, range_filter: bool, bound_at_outtime: bool
) -> pl.LazyFrame:
    """Add stay_id, hours, channel, value, outcome, range, recovered and fate, in equal order."""
    cleaned = clean(with_channel(_assign(rows, stays)))
    limited = limit(cleaned) if range_filter else cleaned.with_columns(range=pl.lit("inside"))
    time, inconsistent = pl.col("charttime"), ~pl.col("consistent").fill_null(False)
    faults = {fault: pl.col("outcome") == fault for fault in FAULTS}
    reasons = {
        "marked as an error": pl.col("error") == 1,
        "without time": time.is_null(),
        "without admission": pl.col("hadm_id").is_null(),
        "admission without ICU stay": pl.col("stay_id").is_null(),
        "inconsistent stay": inconsistent,
        **faults,
        "before the stay": time < pl.col("intime"),
        "after the stay": (time > pl.col("outtime")) & bound_at_outtime,
        "out of range": pl.col("range") == "out of range",
        "kept": pl.lit(True),
    }
    fate = pl.coalesce(pl.when(reasons[name]).then(pl.lit(name)) for name in FATES)
    return limited.with_columns(
        hours=hours_between("intime", "charttime"),
        recovered=pl.col("icustay_id").is_null(),
        fate=fate.cast(pl.Enum(FATES)),
    )


def _assign(rows: pl.LazyFrame, stays: pl.DataFrame) -> pl.LazyFrame:
    """Add stay_id, intime, outtime (null without a stay) and consistent, one row for each row."""
    spans = _spans(stays).lazy()
    named = stays.lazy().select(icustay_id="stay_id", named_admission="admission_id")
    time = pl.col("charttime").fill_null(_BEFORE_ALL)
    agrees = (pl.col("named_admission") == pl.col("hadm_id")).fill_null(False)
    in_span = (time >= pl.col("first").fill_null(_BEFORE_ALL)) & (time < pl.col("next")).fill_null(
        True
    )
    chosen = pl.when(agrees).then(pl.col("stay_id") == pl.col("icustay_id")).otherwise(in_span)
    return (
        rows.join(named, on="icustay_id", how="left", maintain_order="left")
        .join(spans, on="hadm_id", how="left", maintain_order="left")
        .filter(pl.col("stay_id").is_null() | chosen)
        .with_columns(
            consistent=(agrees | pl.col("icustay_id").is_null())
            & (pl.col("owner") == pl.col("subject_id"))
        )
        .drop("named_admission", "owner", "first", "next")
    )


def _spans(stays: pl.DataFrame) -> pl.DataFrame:
    """Cut each admission's time into one span per stay, from its intime up to the next one's.

    Columns hadm_id, stay_id, owner (the patient), intime, outtime, first (null: since ever), next
    (null: for ever; the span ends before it).
    """
    ordered = stays.sort("admission_id", "intime", "stay_id")
    earlier = pl.col("intime").shift(1).over("admission_id")
    return ordered.select(
        "stay_id",
        "intime",
        "outtime",
        hadm_id="admission_id",
        owner="patient_id",
        first=pl.when(earlier.is_not_null()).then(pl.col("intime")),
        next=pl.col("intime").shift(-1).over("admission_id"),
    )


def _tell(numbers: pl.DataFrame, *, named_stays: bool) -> dict[str, Any]:
    """Say what became of the rows, whose `numbers` are given by class."""
    good = numbers.filter(pl.col("fate") == "kept")
    told = {
        "kept": _by_channel(good),
        "dropped": _by_class(numbers.filter(pl.col("fate") != "kept"), "fate"),
        "repaired": _by_class(good.filter(pl.col("outcome").is_in(REPAIRS)), "outcome"),
        "clipped": _by_channel(good.filter(pl.col("range") == "clipped")),
    }
    if named_stays:
        told["recovered"] = _by_channel(good.filter("recovered"))
    return told


def _by_class(numbers: pl.DataFrame, column: str) -> dict[str, dict[str, int]]:
    names = numbers[column].cast(pl.String).unique().sort()
    return {name: _by_channel(numbers.filter(pl.col(column) == name)) for name in names}


def _by_channel(numbers: pl.DataFrame) -> dict[str, int]:
    by_channel = numbers.group_by(pl.col("channel").cast(pl.String)).agg(pl.col("rows").sum())
    return dict(sorted(by_channel.iter_rows()))
