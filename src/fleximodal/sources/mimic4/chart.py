"""Vital signs and whatever else a preset takes from icu/chartevents."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.sources.mimic.segments import hours_between
from fleximodal.sources.mimic.tables import scan_table, sink_counting, sink_with
from fleximodal.sources.mimic4.channels import Channel
from fleximodal.sources.mimic4.ranges import (
    clipped,
    in_range,
    is_clipped,
    is_finite,
    limits_by_item,
)
from fleximodal.sources.mimic4.reasons import (
    count_reasons,
    first_reason,
    tell_channels,
    tell_reasons,
)


def extract_chart(path: Path, items: Sequence[int], target: Path) -> int:
    """Copy the rows of some items to Parquet, reading the table once; return all rows it has.

    Columns written: stay_id, item, time, value (f64, null where the file has no number), in the
    order of the file.
    """
    rows = scan_table(
        path,
        {
            "stay_id": pl.Int64,
            "itemid": pl.Int64,
            "charttime": pl.Datetime("us"),
            "valuenum": pl.Float64,
        },
    )
    wanted = rows.filter(pl.col("itemid").is_in(list(items))).rename(
        {"itemid": "item", "charttime": "time", "valuenum": "value"}
    )
    return sink_counting(wanted, rows, target, path)


def place_chart(
    extracted: Path,
    stays: pl.DataFrame,
    channels: Sequence[Channel],
    target: Path,
    *,
    range_filter: bool,
    bound_at_outtime: bool,
) -> dict[str, Any]:
    """Turn extracted rows into unsorted events (stay_id, hours, channel, value) in Parquet.

    A row belongs to the stay it names. Rows before intime are dropped, rows after outtime only if
    `bound_at_outtime`.

    Returns
    -------
    dict
        `wanted` rows, `kept`, the dropped ones by reason, `after_outtime` (kept or not), and
        `out_of_range` and `clipped` by channel.
    """
    limits = limits_by_item(channels, "chartevents", range_filter=range_filter)
    after = pl.col("time") > pl.col("outtime")
    reasons = {
        "without_value": pl.col("value").is_null(),
        "not_finite": ~is_finite(),
        "without_time": pl.col("time").is_null(),
        "of_no_stay": pl.col("intime").is_null(),
        "before_intime": pl.col("time") < pl.col("intime"),
        "after_outtime": after & bound_at_outtime,
        "out_of_range": ~in_range(),
    }
    rows = (
        pl.scan_parquet(extracted)
        .join(limits.lazy(), on="item", how="inner", maintain_order="left")
        .join(
            stays.lazy().select("stay_id", "intime", "outtime"),
            on="stay_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(first_reason(reasons))
    )
    kept = rows.filter(pl.col("reason").is_null()).select(
        "stay_id", hours_between("intime", "time").alias("hours"), "channel", clipped()
    )
    counted = sink_with(
        kept,
        count_reasons(rows, is_clipped().alias("clipped"), after.alias("after")),
        target,
        extracted,
    )
    return {
        "wanted": int(counted["rows"].sum()),
        "kept": int(counted.filter(pl.col("reason").is_null())["rows"].sum()),
        "dropped": tell_reasons(counted),
        "kept_after_outtime": int(counted.filter(pl.col("reason").is_null())["after"].sum()),
        "out_of_range": tell_channels(counted.filter(pl.col("reason") == "out_of_range")),
        "clipped": tell_channels(counted.filter(pl.col("reason").is_null()), "clipped"),
    }
