"""Sorting tables that are larger than memory, one block of keys after the other."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

BLOCK_ROWS = 1_000_000


def key_blocks(
    unsorted: list[Path], key: str, block_rows: int = BLOCK_ROWS
) -> list[tuple[int, int]]:
    """Split the ids in column `key` into ranges (first, last) of about `block_rows` rows each."""
    sizes = pl.scan_parquet(unsorted).group_by(key).agg(rows=pl.len()).collect(engine="streaming")
    ordered = sizes.drop_nulls(key).sort(key)
    block = (ordered["rows"].cum_sum() - ordered["rows"]) // block_rows
    ranges = (
        ordered.with_columns(block=block)
        .group_by("block")
        .agg(first=pl.col(key).min(), last=pl.col(key).max())
        .sort("block")
    )
    return list(ranges.select("first", "last").iter_rows())


def read_blocks(
    unsorted: list[Path], key: str, block_rows: int = BLOCK_ROWS
) -> Iterator[pl.DataFrame]:
    """Yield all rows block by block, ascending by ranges of `key`, else in the order of the files.

    A row group is read only for the blocks whose ids it holds, so that files which are nearly
    sorted, as those of a release, are read about once.
    """
    for first, last in key_blocks(unsorted, key, block_rows):
        rows = pl.scan_parquet(unsorted).filter(pl.col(key).is_between(first, last))
        yield rows.collect(engine="streaming")


def write_blocks(
    unsorted: Path | Sequence[Path],
    target: Path,
    key: str,
    arrange: Callable[[pl.DataFrame], pl.DataFrame],
    *,
    block_rows: int = BLOCK_ROWS,
) -> int:
    """Apply `arrange` to every block and append its result to `target` as Parquet row groups.

    Parameters
    ----------
    unsorted
        Parquet files of equal schema, read as one after the other.
    target
        Parquet file to write; a table of no rows if there are none.
    key
        Integer column by whose ranges blocks are formed; rows with a null key are left out.
    arrange
        Filters, sorts and selects the rows of one block; must give every block the same schema.
    block_rows
        Rows per block; a single key's rows are never parted.

    Returns
    -------
    int
        Rows written.
    """
    paths = [unsorted] if isinstance(unsorted, Path) else list(unsorted)
    empty = arrange(pl.scan_parquet(paths).head(0).collect())
    written = 0
    with pq.ParquetWriter(target, empty.to_arrow().schema, compression="zstd") as writer:
        for block in read_blocks(paths, key, block_rows):
            arranged = arrange(block)
            if arranged.height:
                writer.write_table(arranged.to_arrow())
            written += arranged.height
    return written
