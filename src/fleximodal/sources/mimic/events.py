"""The events table: sorted, and one value per stay, time and channel."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from fleximodal.sources.mimic.blocks import BLOCK_ROWS, write_blocks

_KEY = ("stay_id", "hours", "channel")


def write_events(
    unsorted: Path | Sequence[Path],
    stays: pl.DataFrame,
    channels: Sequence[str],
    target: Path,
    *,
    block_rows: int = BLOCK_ROWS,
) -> dict[str, int]:
    """Sort events by (stay_id, hours, channel) and keep the first of repeated ones.

    Works in blocks of stays, so that memory does not grow with the table.

    Parameters
    ----------
    unsorted
        Parquet with columns stay_id i64, hours f32, channel (a string or category among
        `channels`), value f32, nothing null; other columns are ignored. Of several files, those
        named first come first.
    stays
        Column stay_id: the stays whose events are wanted.
    channels
        Names in the order in which channels are sorted.
    target
        Parquet file to write: stay_id i64, hours f32, channel `polars.Enum(channels)`, value f32.
    block_rows
        Events per block.

    Returns
    -------
    dict
        `read` rows, `of_other_stays` left out, `repeated` left out, `kept` rows. Of rows with
        equal stay, hours and channel the first in the files' order is kept.
    """
    names = pl.Enum(channels)
    known = stays.select("stay_id").unique()
    counts = {"read": 0, "of_other_stays": 0, "repeated": 0, "kept": 0}

    def arrange(block: pl.DataFrame) -> pl.DataFrame:
        events = block.select(
            pl.col("stay_id").cast(pl.Int64),
            pl.col("hours").cast(pl.Float32),
            pl.col("channel").cast(names),
            pl.col("value").cast(pl.Float32),
        ).join(known, on="stay_id", how="semi", maintain_order="left")
        ordered = events.sort(_KEY, maintain_order=True)
        repeats = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _KEY)
        first = ordered.filter(~repeats.fill_null(False))
        counts["read"] += block.height
        counts["of_other_stays"] += block.height - events.height
        counts["repeated"] += events.height - first.height
        return first

    counts["kept"] = write_blocks(unsorted, target, "stay_id", arrange, block_rows=block_rows)
    return counts
