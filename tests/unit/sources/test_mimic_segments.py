"""Which stay a time belongs to, against a search through all stays."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fleximodal.sources.mimic.segments import join_to_stays, stay_segments

START = datetime(2150, 1, 1)
Stay = tuple[int, int, int]

_stays = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 12), st.integers(0, 8)), max_size=9)
_times = st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 22) | st.none()), max_size=40)


def _time(ticks: int | None) -> datetime | None:
    return None if ticks is None else START + timedelta(microseconds=ticks)


def _table(stays: Sequence[Stay]) -> pl.DataFrame:
    rows = [
        (patient, number, _time(start), _time(start + length))
        for number, (patient, start, length) in enumerate(stays)
    ]
    types = {"patient_id": pl.Int64, "stay_id": pl.Int64}
    times = dict.fromkeys(("intime", "outtime"), pl.Datetime("us"))
    return pl.DataFrame(rows, schema={**types, **times}, orient="row")


def _holders(stays: Sequence[Stay], patient: int, ticks: int | None) -> list[int]:
    """Return the stays that hold a time, the one it belongs to last."""
    holding = [
        (start, number)
        for number, (owner, start, length) in enumerate(stays)
        if ticks is not None and owner == patient and start <= ticks <= start + length
    ]
    return [number for _, number in sorted(holding)]


@settings(max_examples=150, deadline=None)
@given(_stays, _times)
def test_every_time_gets_the_latest_stay_that_holds_it(
    stays: list[Stay], times: list[tuple[int, int | None]]
) -> None:
    events = pl.DataFrame(
        [(number, patient, _time(ticks)) for number, (patient, ticks) in enumerate(times)],
        schema={"event": pl.Int64, "patient_id": pl.Int64, "time": pl.Datetime("us")},
        orient="row",
    )
    joined = join_to_stays(events.lazy(), stay_segments(_table(stays))).collect(engine="streaming")
    expected = []
    for number, (patient, ticks) in enumerate(times):
        holders = _holders(stays, patient, ticks)
        if holders:
            assert ticks is not None
            hours = pl.Series([(ticks - stays[holders[-1]][1]) / 3.6e9], dtype=pl.Float32)[0]
            expected.append((number, holders[-1], hours, len(holders) > 1))
    # In the order of the events.
    assert joined.select("event", "stay_id", "hours", "shared").rows() == expected


@settings(max_examples=50, deadline=None)
@given(_stays)
def test_segments_are_disjoint_and_sorted(stays: list[Stay]) -> None:
    segments = stay_segments(_table(stays))
    assert (segments["first"] <= segments["last"]).all()
    previous = segments.with_columns(end=pl.col("last").shift(1).over("patient_id"))
    assert (previous.drop_nulls("end")["first"] > previous.drop_nulls("end")["end"]).all()
    assert segments.select("patient_id", "first").equals(
        segments.select("patient_id", "first").sort("patient_id", "first")
    )


def test_a_nested_stay_parts_the_outer_one_and_columns_are_carried() -> None:
    stays = _table([(1, 0, 10), (1, 4, 2)]).with_columns(unit=pl.lit("CCU"))
    segments = stay_segments(stays)
    ticks = segments.select(
        "stay_id",
        first=(pl.col("first") - START).dt.total_microseconds(),
        last=(pl.col("last") - START).dt.total_microseconds(),
        shared="shared",
    )
    assert ticks.rows() == [(0, 0, 3, False), (1, 4, 6, True), (0, 7, 10, False)]
    assert segments["unit"].to_list() == ["CCU"] * 3


def test_hours_are_exact_at_whole_hours() -> None:
    stays = pl.DataFrame(
        {
            "patient_id": [1],
            "stay_id": [1],
            "intime": [datetime(2150, 1, 1, 0, 0, 7)],
            "outtime": [datetime(2190, 1, 1)],
        }
    )
    hours = list(range(0, 3000, 7)) + [48]
    events = pl.DataFrame(
        {
            "patient_id": [1] * len(hours),
            "time": [datetime(2150, 1, 1, 0, 0, 7) + timedelta(hours=hour) for hour in hours],
        }
    )
    joined = join_to_stays(events.lazy(), stay_segments(stays)).collect()
    assert joined["hours"].to_list() == hours
    assert joined.schema["hours"] == pl.Float32
