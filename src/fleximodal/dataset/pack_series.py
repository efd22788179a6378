"""Pack an irregular time series: events by stay, time and channel."""

from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.cohorts.tables import Modality, scan_table
from fleximodal.dataset.places import Places
from fleximodal.dataset.ragged import Series
from fleximodal.errors import FleximodalError


def pack_series(path: Path, places: Places, modality: Modality) -> Series:
    """Return the series of `modality` from the events in `path`, in any order there.

    Raises
    ------
    FleximodalError
        If an observation is repeated at one time, not finite or before admission.
    """
    numbers = {name: number for number, name in enumerate(modality.columns)}
    events = (
        scan_table(path, ["stay_id", "hours", "channel", "value"])
        .with_columns(pl.col("channel").cast(pl.String))
        .filter(pl.col("channel").is_in(list(numbers)))
    )
    blocks = [
        block.select(
            pl.col("position").cast(pl.Int32),
            pl.col("hours").cast(pl.Float32),
            pl.col("channel").replace_strict(numbers, return_dtype=pl.Int16),
            pl.col("value").cast(pl.Float32),
        )
        .sort("position", "hours", "channel")
        .collect()
        for block in places.blocks(events)
    ]
    table = pl.concat(blocks, rechunk=True)
    position, hours, channel, value = (column.to_numpy() for column in table)

    new_row = np.ones(len(position), dtype=bool)
    new_row[1:] = (position[1:] != position[:-1]) | (hours[1:] != hours[:-1])
    repeated = int((~new_row[1:] & (channel[1:] == channel[:-1])).sum())
    before = int((~(hours >= 0)).sum())
    infinite = int((~np.isfinite(value)).sum())
    if repeated or before or infinite:
        raise FleximodalError(
            f"{path}: modality {modality.name} has {repeated} observations repeated at one time, "
            f"{before} before admission or without a time and {infinite} not finite; "
            "clean them when the canonical tables are made."
        )
    first = np.flatnonzero(new_row)
    return Series(
        name=modality.name,
        channels=modality.columns,
        row_offsets=places.offsets(position[first]),
        hours=hours[first],
        observation_offsets=np.append(first, len(position)).astype(np.int64),
        channel=channel,
        value=value,
    )
