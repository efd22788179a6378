"""A full disk, told as one sentence that names the file."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleximodal.errors import FleximodalError

_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
# Libraries in other languages pass the system's words on in errors of their own.
_WORDS = ("no space left on device", "disk quota exceeded")


class DiskFull(FleximodalError):
    """There was no space for a file.

    Parameters
    ----------
    path
        The file or folder that was to be written, under its final name.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"{path} could not be written, because there is no space left on its disk (or in its "
            "quota); free some, or set `pathvars: results` to a folder on a larger disk, and run "
            "snakemake again"
        )


def says_full(error: BaseException) -> bool:
    """Return whether an error of any library means that a disk or quota is full."""
    if isinstance(error, DiskFull):
        return True
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return True
    text = str(error).lower()
    return any(words in text for words in _WORDS)


@contextmanager
def named_if_full(path: Path | str) -> Iterator[None]:
    """Turn any error that means a full disk into a `DiskFull` that names `path`."""
    try:
        yield
    except Exception as error:
        if says_full(error):
            raise DiskFull(path) from error
        raise
