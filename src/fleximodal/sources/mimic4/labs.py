"""Laboratory values from hosp/labevents, placed in ICU stays by patient and time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.sources.mimic.segments import join_to_stays, stay_segments
from fleximodal.sources.mimic.tables import collect, scan_table, sink_counting, sink_with
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


def extract_labs(
    path: Path, items: Sequence[int], stays: pl.DataFrame, units: pl.DataFrame, target: Path
) -> int:
    """Copy the rows of some items to Parquet, reading the table once; return all rows it has.

    Kept are the rows of patients with an ICU stay or an admission among `units` (patient_id).
    Columns written: patient_id, admission_id (nullable), item, time, value, in the order of the
    file. Rows are picked by filters alone: a join here would make the count of all rows keep them
    in memory.
    """
    rows = scan_table(
        path,
        {
            "subject_id": pl.Int64,
            "hadm_id": pl.Int64,
            "itemid": pl.Int64,
            "charttime": pl.Datetime("us"),
            "valuenum": pl.Float64,
        },
    )
    patients = pl.concat([stays["patient_id"], units["patient_id"]]).unique()
    wanted = rows.filter(
        pl.col("itemid").is_in(list(items)), pl.col("subject_id").is_in(patients.implode())
    ).rename(
        {
            "subject_id": "patient_id",
            "hadm_id": "admission_id",
            "itemid": "item",
            "charttime": "time",
            "valuenum": "value",
        }
    )
    return sink_counting(wanted, rows, target, path)


def place_labs(
    extracted: Path,
    stays: pl.DataFrame,
    channels: Sequence[Channel],
    target: Path,
    *,
    range_filter: bool,
) -> dict[str, Any]:
    """Turn extracted rows into unsorted events (stay_id, hours, channel, value) in Parquet.

    A row belongs to the stay of its patient that holds its time, both ends included, unless it
    names another admission than that stay's.

    Returns
    -------
    dict
        `wanted` rows, `kept`, the dropped ones by reason, `in_several_stays` (kept rows whose time
        several stays hold), and `out_of_range` and `clipped` by channel.
    """
    limits = limits_by_item(channels, "labevents", range_filter=range_filter)
    read = (
        pl.scan_parquet(extracted)
        .join(limits.lazy(), on="item", how="inner", maintain_order="left")
        .with_columns(
            first_reason(
                {
                    "without_value": pl.col("value").is_null(),
                    "not_finite": ~is_finite(),
                    "without_time": pl.col("time").is_null(),
                }
            )
        )
    )
    admission_of_stay = stays.lazy().select("stay_id", stay_admission="admission_id")
    placed = (
        join_to_stays(read.filter(pl.col("reason").is_null()).drop("reason"), stay_segments(stays))
        .join(admission_of_stay, on="stay_id", how="inner", maintain_order="left")
        .with_columns(
            first_reason(
                {
                    "of_other_admission": (
                        pl.col("admission_id") != pl.col("stay_admission")
                    ).fill_null(False),
                    "out_of_range": ~in_range(),
                }
            )
        )
    )
    kept = placed.filter(pl.col("reason").is_null()).select(
        "stay_id", "hours", "channel", clipped()
    )
    # Two passes: counting rows before the join and after it in one would keep them in memory.
    before = collect(count_reasons(read), extracted)
    after = sink_with(
        kept,
        count_reasons(placed, is_clipped().alias("clipped"), pl.col("shared")),
        target,
        extracted,
    )
    stayed = after.filter(pl.col("reason").is_null())
    usable = int(before.filter(pl.col("reason").is_null())["rows"].sum())
    return {
        "wanted": int(before["rows"].sum()),
        "kept": int(stayed["rows"].sum()),
        "dropped": {
            **tell_reasons(before),
            "of_no_stay": usable - int(after["rows"].sum()),
            **tell_reasons(after),
        },
        "in_several_stays": int(stayed["shared"].sum()),
        "out_of_range": tell_channels(after.filter(pl.col("reason") == "out_of_range")),
        "clipped": tell_channels(stayed, "clipped"),
    }
