"""The physiologic range filter: gross outliers are dropped, implausible values clipped."""

from collections.abc import Sequence
from math import inf

import polars as pl

from fleximodal.sources.mimic4.channels import Channel, TableName

#: Values beyond this are infinite as 32-bit floats.
LARGEST = 3.4028234e38


def limits_by_item(
    channels: Sequence[Channel], table: TableName, *, range_filter: bool
) -> pl.DataFrame:
    """Return one row per item of a table: item, channel, and the four bounds of its values.

    Parameters
    ----------
    channels
        All channels of a list; their order is that of the Enum in column `channel`.
    table
        Which of the two tables.
    range_filter
        If False the bounds are infinite; if True, a channel without a range is bounded by 0 below.

    Returns
    -------
    polars.DataFrame
        item i64, channel Enum, outlier_low, valid_low, valid_high, outlier_high f64.
    """
    rows = []
    for channel in channels:
        if channel.table != table:
            continue
        bounds: tuple[float, float, float, float] = (-inf, -inf, inf, inf)
        if range_filter:
            low, high = channel.outlier_low, channel.outlier_high
            bounds = (
                0.0 if low is None else low,
                0.0 if channel.valid_low is None else channel.valid_low,
                inf if channel.valid_high is None else channel.valid_high,
                inf if high is None else high,
            )
        rows += [(item, channel.name, *bounds) for item in channel.items]
    return pl.DataFrame(
        rows,
        schema={
            "item": pl.Int64,
            "channel": pl.Enum([channel.name for channel in channels]),
            "outlier_low": pl.Float64,
            "valid_low": pl.Float64,
            "valid_high": pl.Float64,
            "outlier_high": pl.Float64,
        },
        orient="row",
    )


def is_finite() -> pl.Expr:
    """Whether column `value` is a number that a 32-bit float can hold."""
    return pl.col("value").is_finite() & (pl.col("value").abs() <= LARGEST)


def in_range() -> pl.Expr:
    """Whether column `value` lies within the outlier bounds of its row."""
    return pl.col("value").is_between("outlier_low", "outlier_high")


def is_clipped() -> pl.Expr:
    """Whether column `value` lies within the outlier bounds but beyond the valid ones."""
    return in_range() & ~pl.col("value").is_between("valid_low", "valid_high")


def clipped() -> pl.Expr:
    """Column `value` clipped to the valid bounds of its row, f32."""
    value = pl.col("value").clip(pl.col("valid_low"), pl.col("valid_high"))
    return value.cast(pl.Float32).alias("value")
