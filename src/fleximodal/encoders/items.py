"""The items to encode: keys of all of them, contents in windows of bounded size."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow.parquet as pq

from fleximodal.errors import FleximodalError

KEYS = {"stay_id": pl.Int64, "patient_id": pl.Int64, "item_id": pl.String, "hours": pl.Float32}
ORDER = ["stay_id", "hours", "item_id"]

_READ_BYTES = 2**20


class Source(Protocol):
    """Items in the order of `ORDER`; `name` is the table as the user knows it."""

    @property
    def name(self) -> str:
        """Return the table's file name."""
        ...

    def keys(self) -> pl.DataFrame:
        """Return the columns of `KEYS` of all items."""
        ...

    def windows(self, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the items with their contents and `row`, at most `rows` at once."""
        ...


@dataclass(frozen=True)
class TableItems:
    """The rows of a Parquet table as items.

    Attributes
    ----------
    path
        A canonical table with the columns of `KEYS`, sorted by `ORDER`.
    columns
        Further columns that the encoder reads.
    keep
        Rows that are items; None for all. `row` counts all rows of the table, from 1.
    """

    path: Path
    columns: Sequence[str]
    keep: pl.Expr | None = None

    @property
    def name(self) -> str:
        """Return the table's file name."""
        return self.path.name

    def keys(self) -> pl.DataFrame:
        """Return the keys of all items.

        Raises
        ------
        FleximodalError
            If the table is absent, lacks a column, or its rows are unsorted or repeated.
        """
        if not self.path.is_file():
            raise FleximodalError(f"{self.path} does not exist; write the canonical tables first.")
        try:
            there = pl.read_parquet_schema(self.path)
        except (pl.exceptions.ComputeError, OSError):
            raise FleximodalError(
                f"{self.path} is not a Parquet table; write the canonical tables again."
            ) from None
        missing = [name for name in (*KEYS, *self.columns) if name not in there]
        if missing:
            raise FleximodalError(
                f"{self.path} has no column {', '.join(missing)}; write the canonical tables again."
            )
        frame = self._select(pl.read_parquet(self.path, columns=self._light(there)), first_row=1)
        frame = frame.select("row", *(pl.col(name).cast(kind) for name, kind in KEYS.items()))
        check_keys(frame, self.name)
        return frame.drop("row")

    def windows(self, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the items with `columns` and `row`, reading at most `rows` rows at once."""
        columns = [*KEYS, *(name for name in self.columns if name not in KEYS)]
        first_row = 1
        # Otherwise a whole column of a row group would be read at once.
        with pq.ParquetFile(self.path, buffer_size=_READ_BYTES, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=rows, columns=columns):
                frame = pl.DataFrame(pl.from_arrow(batch))
                yield self._select(frame, first_row)
                first_row += frame.height

    def _light(self, there: Iterable[str]) -> list[str]:
        """Return the columns needed for the keys; contents such as texts stay on disk."""
        roots = self.keep.meta.root_names() if self.keep is not None else []
        return [name for name in there if name in KEYS or name in roots]

    def _select(self, frame: pl.DataFrame, first_row: int) -> pl.DataFrame:
        frame = frame.with_row_index("row", offset=first_row)
        return frame if self.keep is None else frame.filter(self.keep)


@dataclass(frozen=True)
class FrameItems:
    """Items that are already in memory, one per row, with the columns of `KEYS`."""

    name: str
    frame: pl.DataFrame

    def keys(self) -> pl.DataFrame:
        """Return the keys of all items."""
        return self.frame.select(pl.col(name).cast(kind) for name, kind in KEYS.items())

    def windows(self, rows: int) -> Iterator[pl.DataFrame]:
        """Yield slices of the frame."""
        yield from self.frame.with_row_index("row", offset=1).iter_slices(rows)


def check_keys(frame: pl.DataFrame, name: str) -> None:
    """Refuse keys that are null, repeated or out of order; `row` says where."""
    faults = {
        "has an empty key": pl.any_horizontal(pl.col(key).is_null() for key in KEYS)
        | pl.col("hours").is_nan(),
        "repeats the item of an earlier row of its stay": ~pl.struct(
            "stay_id", "item_id"
        ).is_first_distinct(),
        f"is not in the order of {', '.join(ORDER)}": _before_its_predecessor(),
    }
    for what, fault in faults.items():
        wrong = frame.filter(fault)
        if wrong.height:
            raise FleximodalError(
                f"Row {wrong['row'][0]} of {name} {what}; write the canonical tables again."
            )


def _before_its_predecessor() -> pl.Expr:
    """Compare each row with the one above, key by key in `ORDER`."""
    earlier, equal = pl.lit(False), pl.lit(True)
    for key in ORDER:
        above = pl.col(key).shift(1)
        earlier = earlier | (equal & (pl.col(key) < above))
        equal = equal & (pl.col(key) == above)
    return earlier.fill_null(False)
