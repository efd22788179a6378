"""Notes, radiographs and ECGs: items with an id and a time, placed in ICU stays by patient."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic.blocks import write_blocks
from fleximodal.sources.mimic.segments import join_to_stays
from fleximodal.sources.mimic.tables import collect, scan_table, sink
from fleximodal.sources.mimic4.reasons import first_reason

#: Items of one block; reports are about 1 kB each.
BLOCK_ITEMS = 50_000

_ITEM = ("patient_id", "item_id", "time")
_READ = "rows read"


def place_items(
    scan: pl.LazyFrame,
    path: Path,
    segments: pl.DataFrame,
    target: Path,
    *,
    drop: Mapping[str, pl.Expr],
) -> dict[str, Any]:
    """Copy the items that lie in an ICU stay to Parquet, unsorted, reading the table once.

    Parameters
    ----------
    scan
        Columns patient_id, item_id, time and what is to be carried along; built on one
        `scan_table`.
    path
        The table that is scanned.
    segments
        From `stay_segments`.
    target
        Parquet file to write: stay_id, patient_id, item_id, hours, the columns carried along, and
        shared (several stays held the time).
    drop
        By name of the reason, which rows are dropped beforehand; each row under the first that
        applies.

    Returns
    -------
    dict
        `read`, `dropped` by reason, `in_no_stay`, `kept`, `in_several_stays`.
    """
    rows = scan.with_columns(first_reason(drop))
    tallies: list[Counter[str]] = []

    def tally(batch: pl.DataFrame) -> pl.DataFrame:
        # Counted in passing; a second query on the same scan would keep its rows in memory.
        reason = batch["reason"]
        dropped = {name: int((reason == name).sum()) for name in drop}
        tallies.append(Counter({**dropped, _READ: batch.height}))
        return batch

    rows = rows.map_batches(tally, streamable=True)
    carried = [name for name in scan.collect_schema().names() if name not in _ITEM]
    placed = join_to_stays(rows.filter(pl.col("reason").is_null()), segments).select(
        "stay_id", "patient_id", "item_id", "hours", *carried, "shared"
    )
    sink(placed, target, path)
    numbers = sum(tallies, Counter())
    dropped = {name: numbers[name] for name in drop}
    kept, shared = pl.scan_parquet(target).select(pl.len(), pl.col("shared").sum()).collect().row(0)
    return {
        "read": numbers[_READ],
        "dropped": dropped,
        "in_no_stay": numbers[_READ] - sum(dropped.values()) - kept,
        "kept": kept,
        "in_several_stays": int(shared),
    }


def write_items(
    unsorted: Path,
    target: Path,
    path: Path,
    *,
    key: str = "stay_id",
    id_column: str,
    arrange: Callable[[pl.DataFrame], pl.DataFrame] = lambda block: block,
) -> int:
    """Sort items by (`key`, hours if there, item_id), each once; return the repeats left out.

    Parameters
    ----------
    unsorted
        Parquet with `key`, item_id and other columns.
    target
        Parquet file to write.
    path, id_column
        The table the items come from and its column of item ids, for messages.
    key
        Column by which blocks are formed.
    arrange
        What else is done to every block before it is sorted.

    Raises
    ------
    FleximodalError
        If two rows of equal item id differ.
    """
    scan = pl.scan_parquet(unsorted)
    repeated = (
        scan.select("item_id")
        .group_by("item_id")
        .agg(rows=pl.len())
        .filter(pl.col("rows") > 1)
        .collect(engine="streaming")
    )
    same = scan.join(repeated.lazy(), on="item_id", how="semi").collect(engine="streaming")
    distinct = same.unique()
    if distinct.height > repeated.height:
        differing = distinct.filter(pl.col("item_id").is_duplicated())["item_id"]
        raise _differ(path, id_column, differing)
    repeats = same.height - distinct.height

    def sort(block: pl.DataFrame) -> pl.DataFrame:
        items = arrange(block.unique("item_id", keep="first", maintain_order=True))
        order = [name for name in (key, "hours", "item_id") if name in items.columns]
        return items.sort(order)

    write_blocks(unsorted, target, key, sort, block_rows=BLOCK_ITEMS)
    return repeats


def _differ(path: Path, id_column: str, items: pl.Series) -> FleximodalError:
    """Return the error for two different rows of one id, located in the file."""
    ids = scan_table(path, {id_column: pl.String}).with_row_index("row", offset=1)
    rows = collect(ids.filter(pl.col(id_column) == items[0]).select("row").head(2), path)["row"]
    return FleximodalError(
        f"{path}, rows {' and '.join(map(str, rows))} below the header bear the same {id_column} "
        "but differ; remove one of the two."
    )
