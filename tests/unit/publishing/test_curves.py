"""The figure of a table and the numbers beside it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fleximodal.errors import FleximodalError
from fleximodal.publishing.curve_numbers import curve_numbers
from fleximodal.publishing.curves import draw, write_curves

Build = Callable[..., Any]
SUFFIXES = (".csv", ".pdf", ".png", ".svg")


def texts(figure: Figure) -> str:
    found = [figure.get_suptitle()]
    for axis in figure.axes:
        found += [axis.get_title(), axis.get_xlabel(), axis.get_ylabel()]
        found += [text.get_text() for text in axis.texts]
    return "\n".join(found)


def test_numbers_are_those_of_the_cells(declare: Build, entries: Build) -> None:
    declaration = declare()
    numbers = curve_numbers(declaration, entries(declaration, absent=(1,)))
    assert list(dict.fromkeys(numbers["method"])) == ["HAIM", "FuseMoE-Laplace"]
    assert len(numbers) == 2 * (101 + 101 + 10)
    roc = numbers[(numbers["method"] == "FuseMoE-Laplace") & (numbers["panel"] == "roc")]
    assert roc["y"].to_numpy() == pytest.approx(roc["x"].to_numpy() ** 0.3)
    bins = numbers[numbers["panel"] == "reliability"]
    assert bins["n"].tolist() == [40] * 20
    assert numbers.loc[numbers["panel"] == "roc", "n"].isna().all()


def test_lines_are_those_of_the_numbers(declare: Build, entries: Build) -> None:
    declaration = declare()
    numbers = curve_numbers(declaration, entries(declaration))
    axis = draw(numbers, declaration).axes[1]
    drawn = {line.get_label(): line for line in axis.lines}
    for method in declaration.methods:
        rows = numbers[(numbers["method"] == method) & (numbers["panel"] == "precision_recall")]
        assert np.array_equal(drawn[method].get_xdata(), rows["x"])
        assert np.array_equal(drawn[method].get_ydata(), rows["y"])


def test_figure_says_what_it_shows(declare: Build, entries: Build) -> None:
    declaration = declare(modalities=["vitals", "labs"])
    figure = draw(curve_numbers(declaration, entries(declaration)), declaration)
    assert len(figure.axes) == 6
    assert [text.get_text() for text in figure.legends[0].get_texts()] == declaration.methods
    words = texts(figure)
    for part in (
        declaration.title,
        "real data, source physionet2012",
        "n = 4,000 stays, 14.3 % positive",
        "vitals",
        "labs",
        "Recall (fraction)",
        "Mean predicted probability",
    ):
        assert part in words
    assert "synthetic" not in words


def test_every_panel_of_generated_data_says_synthetic(declare: Build, entries: Build) -> None:
    declaration = declare(source="synthetic-physionet2012")
    figure = draw(curve_numbers(declaration, entries(declaration)), declaration)
    assert "synthetic (generated) data" in figure.get_suptitle()
    assert all(
        [text.get_text() for text in axis.texts] == ["synthetic (generated) data"]
        for axis in figure.axes
    )


def test_no_two_of_many_methods_look_alike(declare: Build, entries: Build) -> None:
    declaration = declare(methods=[f"method-{number}" for number in range(30)])
    figure = draw(curve_numbers(declaration, entries(declaration)), declaration)
    looks = {
        (line.get_color(), str(line.get_linestyle()), str(line._dash_pattern))  # type: ignore[attr-defined]
        for line in figure.axes[0].lines
        if line.get_label() in declaration.methods
    }
    assert len(looks) == 30


def test_the_row_of_missingness_is_not_drawn(declare: Build, entries: Build) -> None:
    declaration = declare()
    numbers = curve_numbers(declaration, entries(declaration, leakage=[0.6]))
    assert list(dict.fromkeys(numbers["method"])) == declaration.methods


def test_nothing_to_draw_is_said(declare: Build, entries: Build, tmp_path: Path) -> None:
    declaration = declare()
    with pytest.raises(FleximodalError, match="figure deaths: none of its cells was run"):
        write_curves(declaration, entries(declaration, absent=(0, 1, 2)), tmp_path / "figures")


def test_equal_numbers_give_equal_bytes(declare: Build, entries: Build, tmp_path: Path) -> None:
    declaration = declare(source="synthetic-physionet2012")
    cells = entries(declaration)
    for name in ("first", "again"):
        write_curves(declaration, cells, tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == [f"deaths{suffix}" for suffix in SUFFIXES]
    for name in names:
        first, again = ((tmp_path / folder / name).read_bytes() for folder in ("first", "again"))
        assert first == again
        assert b"Date" not in first
    assert (tmp_path / "first" / "deaths.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "first" / "deaths.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in (tmp_path / "first" / "deaths.svg").read_bytes()
    stored = pd.read_csv(tmp_path / "first" / "deaths.csv")
    expected = curve_numbers(declaration, cells)
    assert stored["y"].tolist() == expected["y"].tolist()


def test_neither_floor_imports_torch_nor_publishing_scikit_learn() -> None:
    names = ("cohort_flow", "cohort_table", "curves", "formats", "optimum_figure", "peers")
    names += ("summary", "table")
    program = "".join(f"import fleximodal.publishing.{name}\n" for name in names)
    program += "import sys\nassert not {'torch', 'sklearn', 'polars'} & set(sys.modules)\n"
    program += "import fleximodal.evaluation.evaluate\nassert 'torch' not in sys.modules\n"
    # Where this process found the package, the other one finds it too.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
