"""Columns of rows in the making, and the faults of real rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl


@dataclass
class Rows:
    """Rows of one table; arrays of shape (n,).

    `place`: position of the stay or admission, `time` in seconds since 1970, `item`: position in
    the list of items, `value`: number (NaN: none). `safe` rows are left without faults.
    """

    place: np.ndarray
    time: np.ndarray
    item: np.ndarray
    value: np.ndarray
    safe: np.ndarray

    @staticmethod
    def concat(parts: "list[Rows]") -> "Rows":
        """Join rows in order."""
        return Rows(**{n: np.concatenate([vars(part)[n] for part in parts]) for n in _NAMES})

    def of(self, chosen: np.ndarray) -> "Rows":
        """Return copies of the chosen rows (mask or positions)."""
        return Rows(**{name: vars(self)[name][chosen] for name in _NAMES})


_NAMES = ("place", "time", "item", "value", "safe")


@dataclass
class Mess:
    """Makes faults and counts them by name; in the first block at least one of each kind."""

    rng: np.random.Generator
    first: bool
    counts: dict[str, int] = field(default_factory=dict)

    def some(self, name: str, candidates: np.ndarray, share: float) -> np.ndarray:
        """Return positions of a random share of the candidates (mask), and count them."""
        chosen = np.flatnonzero(candidates & (self.rng.random(len(candidates)) < share))
        possible = np.flatnonzero(candidates)
        if self.first and not len(chosen) and len(possible):
            chosen = possible[self.rng.integers(len(possible), size=1)]
        self.counts[name] = self.counts.get(name, 0) + len(chosen)
        return chosen

    def change(
        self,
        name: str,
        rows: Rows,
        candidates: np.ndarray,
        share: float,
        new: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        """Change the values of some candidates to `new(value)`."""
        usable = candidates & ~rows.safe & ~np.isnan(rows.value)
        chosen = self.some(name, usable, share)
        rows.value[chosen] = new(rows.value[chosen])

    def repeat(self, rows: Rows) -> Rows:
        """Append exact duplicates of some rows, and rows that contradict some others."""
        number = ~np.isnan(rows.value)
        twice = rows.of(self.some("exact duplicates", number, 0.002))
        other = rows.of(self.some("other value at the same time", number, 0.001))
        other.value = other.value * 1.05 + 1
        return Rows.concat([rows, twice, other])


def times(seconds: np.ndarray) -> pl.Series:
    """Return seconds since 1970 as date-times, null below 0."""
    stamps = pl.Series(seconds * 1_000_000).cast(pl.Datetime("us"))
    return stamps.set(pl.Series(seconds < 0), None)


def nullable(values: np.ndarray, null: np.ndarray) -> pl.Series:
    """Return the values with null where `null`."""
    return pl.Series(values).set(pl.Series(null), None)


def pick(words: Sequence[str | None], positions: np.ndarray) -> pl.Series:
    """Return the words at the positions."""
    return pl.Series(list(words), dtype=pl.String).gather(positions)


def number_text(values: np.ndarray) -> pl.Series:
    """Return numbers as the releases write them: whole ones without a point; NaN as null."""
    text = (
        pl.when(pl.col("v").is_nan())
        .then(None)
        .when(pl.col("v") == pl.col("v").round(0))
        .then(pl.col("v").cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(pl.col("v").round(4).cast(pl.String))
    )
    return pl.DataFrame({"v": values}).select(text).to_series()
