"""Which stay an event belongs to, where the event knows only the patient and the time.

Stays are closed intervals from intime to outtime. Where two stays of a patient hold the same time
(they touch, overlap or one lies within the other) the event belongs to the stay with the latest
intime, and among equal intimes to the highest stay_id. Cutting the stays beforehand into disjoint
segments, each of one stay, turns the search into one hash join.
"""

import polars as pl

_MICROSECOND = pl.duration(microseconds=1)


def stay_segments(stays: pl.DataFrame) -> pl.DataFrame:
    """Cut stays into disjoint closed intervals, each belonging to the latest stay that holds it.

    Parameters
    ----------
    stays
        Columns patient_id, stay_id, intime, outtime (Datetime, microseconds, intime <= outtime),
        and whatever else is to be carried along.

    Returns
    -------
    polars.DataFrame
        The columns of `stays` and first, last (Datetime, both inclusive), shared (Boolean: other
        stays hold this interval too); sorted by patient_id, first.
    """
    # The times at which the set of stays that hold a time may change, each the first of its piece.
    starts = (
        pl.concat(
            [
                stays.select("patient_id", first="intime"),
                stays.select("patient_id", first=pl.col("outtime") + _MICROSECOND),
            ]
        )
        .unique()
        .sort("patient_id", "first")
    )
    pieces = starts.with_columns(
        last=pl.col("first").shift(-1).over("patient_id") - _MICROSECOND
    ).drop_nulls("last")
    covered = pieces.join(stays, on="patient_id").filter(
        (pl.col("intime") <= pl.col("first")) & (pl.col("last") <= pl.col("outtime"))
    )
    return (
        covered.sort("patient_id", "first", "intime", "stay_id")
        .with_columns(shared=pl.len().over("patient_id", "first") > 1)
        .unique(["patient_id", "first"], keep="last", maintain_order=True)
        .select(*stays.columns, "first", "last", "shared")
    )


def join_to_stays(events: pl.LazyFrame, segments: pl.DataFrame) -> pl.LazyFrame:
    """Give every event the one stay that holds its time; leave out what lies in no stay.

    Parameters
    ----------
    events
        Columns patient_id and time (Datetime) and whatever else. A null time lies in no stay.
    segments
        From `stay_segments`.

    Returns
    -------
    polars.LazyFrame
        The columns of `events`, then stay_id i64, hours f32 (time since the stay's intime, at
        least 0) and shared (Boolean: several stays held the time); in the order of the events.
    """
    wanted = segments.lazy().select("patient_id", "stay_id", "intime", "first", "last", "shared")
    joined = events.join(wanted, on="patient_id", how="inner", maintain_order="left")
    return (
        joined.filter(pl.col("time").is_between("first", "last"))
        .with_columns(hours=hours_between("intime", "time"))
        .select(*events.collect_schema().names(), "stay_id", "hours", "shared")
    )


def hours_between(start: str, end: str) -> pl.Expr:
    """Return the hours from column `start` to column `end`, computed exactly, then f32."""
    microseconds = (pl.col(end) - pl.col(start)).dt.total_microseconds()
    return (microseconds / 3_600_000_000.0).cast(pl.Float32)
