"""Tables as text, compressed in pieces that may simply be put one behind the other."""

import gzip
import io
from pathlib import Path

import polars as pl

from fleximodal.sources.hospital.columns import COLUMNS

_PLAIN = "mimic-iv-ecg/"
_LEVEL = 1


def encode(path: str, table: pl.DataFrame) -> bytes:
    """Return the rows of a table, without header, as they stand in its file.

    A gzip file may have several members, each a stream of its own; that of each block is one. They
    carry no time and no name, so equal rows give equal bytes.

    Raises
    ------
    RuntimeError
        If the columns are not those that are shipped.
    """
    if tuple(table.columns) != COLUMNS[path]:
        raise RuntimeError(f"{path} has the columns {table.columns}")
    buffer = io.BytesIO()
    table.write_csv(
        buffer,
        include_header=False,
        datetime_format="%Y-%m-%d %H:%M:%S",
        date_format="%Y-%m-%d",
    )
    return _member(path, buffer.getvalue())


class Tables:
    """The table files of a folder; rows are appended block by block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}

    def start(self, paths: list[str]) -> None:
        """Write the headers."""
        for path in paths:
            target = self._target(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_member(path, (",".join(COLUMNS[path]) + "\n").encode()))
            self.rows[path] = 0

    def append(self, path: str, piece: bytes, rows: int) -> None:
        """Append a piece of `rows` rows from `encode`."""
        with self._target(path).open("ab") as file:
            file.write(piece)
        self.rows[path] += rows

    def _target(self, path: str) -> Path:
        return self.folder / (path + (".csv" if path.startswith(_PLAIN) else ".csv.gz"))


def _member(path: str, text: bytes) -> bytes:
    if path.startswith(_PLAIN):
        return text
    # ISA-L is four times as fast, but now and then it gives the same text other bytes.
    return gzip.compress(text, compresslevel=_LEVEL, mtime=0)
