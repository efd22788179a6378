"""Counting why rows are dropped: each under the first reason that applies."""

from collections.abc import Mapping
from typing import Any

import polars as pl


def first_reason(reasons: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return column `reason`: the first key whose expression holds, null if none does."""
    names = pl.Enum(list(reasons))
    result: Any = pl
    for name, holds in reasons.items():
        result = result.when(holds).then(pl.lit(name, dtype=names))
    return result.otherwise(pl.lit(None, dtype=names)).alias("reason")


def count_reasons(rows: pl.LazyFrame, *more: pl.Expr) -> pl.LazyFrame:
    """Return reason (a string), channel and rows (and sums of `more`), one row per combination."""
    sums = [expression.sum() for expression in more]
    counted = rows.group_by("reason", "channel").agg(pl.len().alias("rows"), *sums)
    return counted.with_columns(pl.col("reason").cast(pl.String))


def tell_reasons(counted: pl.DataFrame) -> dict[str, int]:
    """Return the number of rows per reason; rows that are kept are not among them."""
    dropped = counted.drop_nulls("reason").group_by("reason").agg(pl.col("rows").sum())
    return {str(reason): int(rows) for reason, rows in dropped.sort("reason").iter_rows()}


def tell_channels(counted: pl.DataFrame, column: str = "rows") -> dict[str, int]:
    """Return the sum of `column` per channel in the order of channels, zeros left out."""
    sums = counted.group_by("channel").agg(pl.col(column).sum()).sort("channel")
    return {str(channel): int(number) for channel, number in sums.iter_rows() if number}
