"""From parsed rows to clean events and descriptors; every row dropped is counted by reason.

The rules, in this order; a row is counted under the first that applies:

1. *nameless*: rows without a parameter name are dropped, because what they measure is unknown.
2. *descriptors*: Age, Gender, Height, ICUType and the first Weight of minute 0 describe the stay
   and are no events. Should one occur again, the first is kept. Every other Weight is an event.
3. *minus_one*: -1 means missing.
4. *out_of_range*: gross outliers by the limits in `channels`, inclusive.
5. *exact_duplicates* and *conflicting_same_time*: of several values for one parameter at one time
   the last in the file's order is kept. It was really charted, which a mean was not, and whoever
   fills a grid from the file by overwriting arrives at the same value.

Times of 48:00 are kept and counted.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from fleximodal.sources.physionet2012.channels import CHANNEL_NAMES, CHANNELS, DESCRIPTORS
from fleximodal.sources.physionet2012.records import LAST_MINUTE, PARAMETERS

CHANNEL = pl.Enum(CHANNEL_NAMES)

_KEY = ("stay_id", "minutes", "parameter")
_SERIES_LIMITS = pl.DataFrame(
    {
        "parameter": pl.Series([channel.name for channel in CHANNELS], dtype=PARAMETERS),
        "low": [float(channel.low) for channel in CHANNELS],
        "high": [float(channel.high) for channel in CHANNELS],
    }
)


@dataclass(frozen=True)
class Cleaned:
    """Events (stay_id, hours, channel, value) sorted so, descriptors per stay, counts."""

    events: pl.DataFrame
    descriptors: pl.DataFrame
    counts: dict[str, Any]


def clean(rows: pl.DataFrame) -> Cleaned:
    """Clean the rows of one set as given by `records.parse_records`."""
    nameless = pl.col("parameter") == ""
    is_weight = (pl.col("parameter") == "Weight") & (pl.col("minutes") == 0)
    first_weight = (
        rows.with_row_index("row")
        .filter(is_weight)
        .unique("stay_id", keep="first", maintain_order=True)["row"]
    )
    names = ["RecordID", *(item.name for item in DESCRIPTORS if item.name != "Weight")]
    rows = rows.with_row_index("row").with_columns(
        describes=pl.col("parameter").is_in(names) | pl.col("row").is_in(first_weight.implode())
    )
    series = rows.filter(~pl.col("describes") & ~nameless).drop("row", "describes")
    descriptors, descriptor_counts = _describe(rows.filter("describes"))
    events, event_counts = _clean_series(series)
    counts = {
        "rows_read": rows.height,
        "rows_kept": events.height,
        "descriptor_rows": int(rows["describes"].sum()),
        "at_48h": events.filter(pl.col("minutes") == LAST_MINUTE).height,
        "nameless": rows.filter(nameless).height,
        **event_counts,
        "descriptors": descriptor_counts,
    }
    events = events.select(
        "stay_id",
        # In float64 first: 48:00 must be 48 exactly, not the next float32.
        hours=(pl.col("minutes").cast(pl.Float64) / 60).cast(pl.Float32),
        channel=pl.col("parameter").cast(pl.String).cast(CHANNEL),
        value=pl.col("value").cast(pl.Float32),
    )
    return Cleaned(events, descriptors, counts)


def _clean_series(series: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, dict[str, int]]]:
    missing = pl.col("value") == -1
    limited = series.join(_SERIES_LIMITS, on="parameter", how="left", maintain_order="left")
    inside = pl.col("value").is_between("low", "high")
    valid = limited.filter(~missing & inside).drop("low", "high")
    valid = valid.sort(_KEY, maintain_order=True)
    same_as_next = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in _KEY)
    last = ~same_as_next.fill_null(False)
    in_group = ~(last & last.shift(1, fill_value=True))
    groups = (
        valid.filter(in_group).group_by(_KEY).agg(rows=pl.len(), values=pl.col("value").n_unique())
    )
    return valid.filter(last), {
        "minus_one": _per_name(limited.filter(missing)),
        "out_of_range": _per_name(limited.filter(~missing & ~inside)),
        "exact_duplicates": _per_name(groups, pl.col("rows") - pl.col("values")),
        "conflicting_same_time": _per_name(groups, pl.col("values") - 1),
    }


def _describe(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    stays = rows.select(pl.col("stay_id").unique().sort())
    counts: dict[str, dict[str, int]] = {
        "minus_one": {},
        "out_of_range": {},
        "repeated": {},
        "absent": {},
    }
    for item in DESCRIPTORS:
        all_values = rows.filter(pl.col("parameter") == item.name)
        values = all_values.unique("stay_id", keep="first", maintain_order=True)
        missing = pl.col("value") == -1
        inside = pl.col("value").is_between(item.low, item.high)
        if item.whole:
            inside &= pl.col("value") == pl.col("value").round()
        known = values.filter(~missing & inside).select("stay_id", pl.col("value").alias(item.name))
        stays = stays.join(known, on="stay_id", how="left", maintain_order="left")
        for reason, number in {
            "minus_one": values.filter(missing).height,
            "out_of_range": values.filter(~missing & ~inside).height,
            "repeated": all_values.height - values.height,
            "absent": stays.height - values.height,
        }.items():
            if number:
                counts[reason][item.name] = number
    return stays, counts


def _per_name(rows: pl.DataFrame, number: pl.Expr | None = None) -> dict[str, int]:
    """Return `number` (by default the count of rows) by parameter, sorted, without zeros."""
    numbers = rows.group_by("parameter").agg(pl.len() if number is None else number.sum())
    return dict(sorted((str(name), int(count)) for name, count in numbers.iter_rows() if count))
