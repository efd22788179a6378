"""Where the stays of a cohort stand in a packed dataset, and which of their hours count."""

from collections.abc import Iterator

import numpy as np
import polars as pl

_STAYS_AT_ONCE = 8192  # bounds the working memory, not the result


class Places:
    """The stays of a cohort in order.

    Parameters
    ----------
    stays
        stay_id and hours (length of the stay), one row per stay.
    window_hours
        Later hours are left out; None keeps the whole stay.
    stretch_to
        If given, an hour h of a stay of length l becomes h / l times this (time axis of the stay);
        otherwise hours stay as they are.
    """

    def __init__(
        self, stays: pl.DataFrame, *, window_hours: float | None, stretch_to: float | None
    ) -> None:
        self.table = stays.select("stay_id", length="hours").with_row_index("position")
        self.size = stays.height
        self._window_hours = window_hours
        self._stretch_to = stretch_to

    def blocks(self, rows: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
        """Yield the rows of some stays after others, with `position`; ascending by blocks.

        `rows` has stay_id; if it has hours, rows after the window are left out.
        """
        for start in range(0, self.size, _STAYS_AT_ONCE):
            block = self.table.slice(start, _STAYS_AT_ONCE)
            first, last = block["stay_id"].min(), block["stay_id"].max()
            # The range lets Parquet skip what belongs to other stays.
            near = rows.filter(pl.col("stay_id").is_between(first, last))
            yield self.inside(near.join(block.lazy(), on="stay_id", maintain_order="left"))

    def inside(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Leave out rows after the window and stretch the hours of the rest."""
        hours = pl.col("hours")
        if "hours" not in rows.collect_schema().names():
            return rows
        if self._window_hours is not None:
            # An hour that is unknown stays, to be refused by whoever packs it.
            after = hours.is_not_nan() & (hours > self._window_hours)
            rows = rows.filter(~after.fill_null(False))
        if self._stretch_to is not None:
            stretched = hours / pl.col("length") * self._stretch_to
            rows = rows.with_columns(stretched.cast(pl.Float32).alias("hours"))
        return rows

    def offsets(self, owner: np.ndarray) -> np.ndarray:
        """Return the (stays + 1,) bounds of each stay's block in ascending positions `owner`."""
        counts = np.bincount(owner, minlength=self.size)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
