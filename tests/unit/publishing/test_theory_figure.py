"""The figure of convergence and the numbers beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.theory_figure import convergence_numbers, draw, write_convergence
from fleximodal.publishing.theory_table import read_printed
from tests.unit.publishing.theory_summaries import SIZES, store, summary

ROOT = Path(__file__).resolve().parents[3]
PRINTED = ROOT / "config" / "published" / "fusemoe_convergence.csv"


def numbers() -> pd.DataFrame:
    both = [summary("laplace"), summary("softmax")]
    return convergence_numbers(both, read_printed(PRINTED))


def test_numbers_hold_points_fits_and_printed_lines() -> None:
    frame = numbers()
    assert len(frame) == 2 * 3 * 3
    ours = frame[(frame["gate"] == "laplace") & (frame["quantity"] == "D2")]
    assert ours["median"].to_numpy() == pytest.approx(2 * np.array(SIZES) ** -0.5)
    assert set(ours["slope"]) == {-0.60}, "of the median over all replicates"
    assert set(ours["printed_slope"]) == {-0.47}
    assert frame.loc[frame["gate"] == "softmax", "printed_slope"].isna().all()


def test_both_panels_hold_the_fits_and_the_printed_slopes() -> None:
    figure = draw(numbers())
    for axis, constant, slope in zip(figure.axes, (0.2, 0.2), (-0.49, -0.47), strict=True):
        lines = {line.get_label(): line for line in axis.lines}
        printed = lines[f"printed: 0.2 n^{slope}"]
        assert printed.get_ydata() == pytest.approx(constant * np.array(SIZES) ** slope)
        assert sum("slope -0." in str(label) for label in lines) == 2
        assert axis.get_xscale() == axis.get_yscale() == "log"
    title = figure.get_suptitle()
    assert "simulation" in title and "40 replicates" in title


def test_files_are_written_and_equal_numbers_give_equal_bytes(tmp_path: Path) -> None:
    files = store(tmp_path, summary("laplace"))
    for folder in ("one", "two"):
        write_convergence(files, PRINTED, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [f"convergence.{suffix}" for suffix in ("csv", "pdf", "png", "svg")]
    for name in names:
        first, second = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert first == second, name


def test_nothing_simulated_is_said(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="theory.configurations"):
        write_convergence([], PRINTED, tmp_path)
