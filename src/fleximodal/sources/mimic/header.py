"""The first lines and the last bytes of a table: what a scan can't see, or sees too late."""

import csv
import gzip
import io
import zlib
from pathlib import Path

from fleximodal.errors import FleximodalError

_HEAD = 1 << 16
_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"


def read_header(path: Path) -> list[str]:
    """Return the names in the first line, checked against the fields of the first rows.

    Raises
    ------
    FleximodalError
        If the file can't be read, is empty or damaged, or if one of the rows in its first 64 kB
        has more fields than the header has names, or the first row has fewer.
    """
    head = _read_head(path)
    if not head.strip():
        raise FleximodalError(f"{path} is empty; fetch it again.")
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The block may end within a character.
        if error.start < len(head) - 4:
            raise FleximodalError(
                f"{path} is not in UTF-8; fetch it again or convert it."
            ) from None
        text = head[: error.start].decode("utf-8-sig")
    whole = len(head) < _HEAD
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), strict=False))
    except csv.Error:
        raise FleximodalError(
            f"{path} can't be parsed as a table; remove it and fetch it again."
        ) from None
    names, *rows = records if whole else records[:-1] or records
    if not rows:
        return names
    lengths = [len(row) for row in rows if row]
    wrong = [length for length in lengths if length > len(names)]
    if lengths and lengths[0] < len(names):
        wrong.insert(0, lengths[0])
    if wrong and not is_intact(path):
        raise FleximodalError(f"{path} is truncated or damaged; remove it and fetch it again.")
    if wrong:
        raise FleximodalError(
            f"{path} has {len(names)} names in its header but a row with {wrong[0]} fields; "
            "restore the header or fetch the file again."
        )
    return names


def check_ending(path: Path, n_columns: int) -> None:
    """Raise a FleximodalError if an uncompressed table ends within a row, as a cut-off one does.

    A compressed table needs no such check: its stream says where it ends.
    """
    with path.open("rb") as file:
        if file.read(2) == _GZIP:
            return
        file.seek(0, io.SEEK_END)
        size = file.tell()
        file.seek(max(0, size - _HEAD))
        tail = file.read()
    if tail.endswith(b"\n"):
        return
    last = tail.rpartition(b"\n")[2].decode("utf-8", errors="replace")
    fields = next(csv.reader([last]), [])
    if len(fields) != n_columns:
        raise FleximodalError(f"{path} ends within a row, so it is cut off; fetch it again.")


def is_intact(path: Path) -> bool:
    """Return whether a gzip file unpacks to its end with matching checksums; True if plain."""
    with path.open("rb") as plain:
        if plain.read(2) != _GZIP:
            return True
    try:
        with gzip.open(path) as file:
            while file.read(_BLOCK):
                pass
    except (OSError, EOFError, zlib.error):
        return False
    return True


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP
        with gzip.open(path) if compressed else path.open("rb") as file:
            return file.read(_HEAD)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FleximodalError(
            f"{path} is truncated or damaged; remove it and fetch it again."
        ) from None
    except OSError as error:
        raise FleximodalError(
            f"{path} can't be read ({error.strerror}); give the right file."
        ) from None
