"""A full disk is said as such, whichever library met it, and leaves no half of a file."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, atomic_path, write_json
from fleximodal.io.disk_full import DiskFull, says_full

# Every write to it fails as on a full disk.
FULL = Path("/dev/full")
FRAME = pl.DataFrame({"x": np.arange(100_000)})


def draw(path: Path) -> None:
    from matplotlib.figure import Figure

    Figure().savefig(path, format="png")


WRITERS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("x"),
    "polars": FRAME.write_parquet,
    "polars in a stream": lambda path: FRAME.lazy().sink_parquet(path, engine="streaming"),
    "polars CSV": FRAME.write_csv,
    "pandas": lambda path: pd.DataFrame({"x": range(100_000)}).to_csv(path),
    "matplotlib": draw,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_each_library(tmp_path: Path, writer: str) -> None:
    target = tmp_path / "target"
    with pytest.raises(DiskFull, match=f"^{target} could not be written"), atomic_path(target):
        WRITERS[writer](FULL)
    assert not list(tmp_path.iterdir())


def test_the_folder_is_named_not_its_temporary(tmp_path: Path) -> None:
    target = tmp_path / "cell"
    with (
        pytest.raises(DiskFull, match=f"^{target} could not be written"),
        atomic_folder(target) as folder,
    ):
        write_json(folder / "run.json", {})
        with atomic_path(folder / "x"):
            FULL.write_text("x")
    assert not list(tmp_path.iterdir())


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    for error in (OSError(errno.EACCES, "Permission denied"), KeyError("x"), FleximodalError("x")):
        assert not says_full(error)
        with pytest.raises(type(error)), atomic_path(tmp_path / "x"):
            raise error
    assert says_full(OSError(errno.EDQUOT, "Disk quota exceeded"))
