"""Sorted events in blocks of stays, against sorting a list."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from fleximodal.sources.mimic.events import write_events

CHANNELS = ("Weight", "Heart rate", "pH")

_rows = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from([0.0, 0.5, 1.0]),
        st.sampled_from(CHANNELS),
        st.integers(0, 9).map(float),
    ),
    max_size=60,
)


def _write(path: Path, rows: list[tuple[int, float, str, float]], group: int) -> None:
    schema = {"stay_id": pl.Int64, "hours": pl.Float32, "channel": pl.String, "value": pl.Float32}
    table = pl.DataFrame(rows, schema=schema, orient="row").with_columns(more=pl.lit("ignored"))
    table.write_parquet(path, row_group_size=group)


@settings(max_examples=60, deadline=None)
@given(_rows, _rows, st.integers(1, 30), st.integers(1, 20))
def test_events_are_sorted_and_the_first_in_the_files_is_kept(
    first: list[tuple[int, float, str, float]],
    second: list[tuple[int, float, str, float]],
    block_rows: int,
    group: int,
) -> None:
    known = [1, 2, 3, 4]
    expected: dict[tuple[int, float, int], float] = {}
    for stay, hours, channel, value in [*first, *second]:
        if stay in known:
            expected.setdefault((stay, hours, CHANNELS.index(channel)), value)
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "1.parquet", first, group)
        _write(folder / "2.parquet", second, group)
        counts = write_events(
            [folder / "1.parquet", folder / "2.parquet"],
            pl.DataFrame({"stay_id": known}),
            CHANNELS,
            folder / "events.parquet",
            block_rows=block_rows,
        )
        events = pl.read_parquet(folder / "events.parquet")
    assert events.schema == pl.Schema(
        {
            "stay_id": pl.Int64,
            "hours": pl.Float32,
            "channel": pl.Enum(CHANNELS),
            "value": pl.Float32,
        }
    )
    assert events.rows() == [
        (stay, hours, CHANNELS[channel], value)
        for (stay, hours, channel), value in sorted(expected.items())
    ]
    strangers = sum(stay not in known for stay, *_ in [*first, *second])
    assert counts == {
        "read": len(first) + len(second),
        "of_other_stays": strangers,
        "repeated": len(first) + len(second) - strangers - len(expected),
        "kept": len(expected),
    }


def test_blocks_hold_whole_stays_and_become_row_groups(tmp_path: Path) -> None:
    rows = [(stay, hour / 2, "pH", 7.0) for stay in range(10) for hour in range(100)]
    _write(tmp_path / "unsorted.parquet", rows[::-1], 50)
    write_events(
        tmp_path / "unsorted.parquet",
        pl.DataFrame({"stay_id": range(10)}),
        CHANNELS,
        tmp_path / "events.parquet",
        block_rows=250,
    )
    groups = pl.read_parquet_metadata(tmp_path / "events.parquet")
    assert groups
    events = pl.read_parquet(tmp_path / "events.parquet")
    assert events.drop("channel").rows() == [(stay, hour, value) for stay, hour, _, value in rows]
