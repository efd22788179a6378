"""The figure of measured AUROC beside the best reachable one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.publishing.optimum_figure import draw, optimum_numbers, write_optimum_figure
from tests.unit.publishing.conftest import write_truth

Build = Callable[..., Any]
SETS = ["vitals+notes", "vitals", "notes"]


@pytest.fixture
def hospital(declare: Build) -> Any:
    return declare(
        source="synthetic-mimic4", modalities=SETS, methods=["HAIM", "Concat"], optimum=True
    )


def test_numbers_go_from_the_least_optimum_to_the_greatest(
    hospital: Any, entries: Build, tmp_path: Path
) -> None:
    cells = entries(hospital, absent=(3,), leakage=[0.6])
    numbers = optimum_numbers(hospital, cells, write_truth(tmp_path, hospital))
    told = list(zip(numbers["modalities"], numbers["method"], strict=True))
    assert told == [
        *(("notes", "HAIM"), ("notes", "Concat"), ("vitals", "HAIM")),
        *(("vitals+notes", "HAIM"), ("vitals+notes", "Concat")),
    ]
    assert numbers["auroc_optimum"].tolist() == [0.86, 0.86, 0.88, 0.9, 0.9]
    assert numbers["auroc_gap"].tolist() == pytest.approx(
        [0.86 - 0.8815, 0.86 - 0.8915, 0.88 - 0.8615, 0.9 - 0.8415, 0.9 - 0.8515]
    )
    assert set(numbers["auroc_optimum_sample"]) == {0.91}
    assert set(numbers["data"]) == {"synthetic"}


def test_marks_are_the_numbers(hospital: Any, entries: Build, tmp_path: Path) -> None:
    numbers = optimum_numbers(hospital, entries(hospital), write_truth(tmp_path, hospital))
    figure = draw(numbers, hospital)
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == SETS[::-1]
    best = axis.collections[0].get_offsets()
    assert best.tolist() == [[0.86, 0.0], [0.88, 1.0], [0.9, 2.0]]
    points = {line.get_label(): line for line in axis.lines}
    for method in ("HAIM", "Concat"):
        rows = numbers[numbers["method"] == method]
        assert points[method].get_xdata().tolist() == rows["auroc_mean"].tolist()
    heights = [points[method].get_ydata() for method in ("HAIM", "Concat")]
    assert (heights[0] != heights[1]).all()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["best reachable (expected)", "HAIM", "Concat"]
    assert "synthetic (generated) data, source synthetic-mimic4" in figure.get_suptitle()
    assert [text.get_text() for text in axis.texts] == ["synthetic (generated) data"]


def test_one_method_sits_on_the_line_of_its_set(
    declare: Build, entries: Build, tmp_path: Path
) -> None:
    declaration = declare(
        source="synthetic-mimic4", modalities=SETS, methods=["HAIM"], optimum=True
    )
    numbers = optimum_numbers(declaration, entries(declaration), write_truth(tmp_path, declaration))
    points = {line.get_label(): line for line in draw(numbers, declaration).axes[0].lines}
    assert points["HAIM"].get_ydata().tolist() == [0.0, 1.0, 2.0]


def test_undefined_values_are_left_out(hospital: Any, entries: Build, tmp_path: Path) -> None:
    cells = entries(hospital)
    stored = json.loads(cells[0]["metrics"].read_text())
    stored["summary"]["auroc"] = dict.fromkeys(("mean", "sd", "low", "high"))
    cells[0]["metrics"].write_text(json.dumps(stored))
    truth = write_truth(tmp_path, hospital)
    tasks = json.loads(truth.read_text())
    tasks["optimum"]["48-IHM"]["vitals"]["sample"] = None
    truth.write_text(json.dumps(tasks))
    numbers = optimum_numbers(hospital, cells, truth)
    first = numbers[(numbers["modalities"] == "vitals+notes") & (numbers["method"] == "HAIM")]
    assert first[["auroc_mean", "auroc_gap"]].isna().all(axis=None)
    assert numbers["auroc_optimum_sample"].isna().sum() == 2
    write_optimum_figure(hospital, cells, truth, tmp_path / "figures")


def test_equal_numbers_give_equal_bytes(hospital: Any, entries: Build, tmp_path: Path) -> None:
    cells, truth = entries(hospital), write_truth(tmp_path, hospital)
    for name in ("first", "again"):
        write_optimum_figure(hospital, cells, truth, tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == [f"deaths.{suffix}" for suffix in ("csv", "pdf", "png", "svg")]
    for name in names:
        first, again = ((tmp_path / folder / name).read_bytes() for folder in ("first", "again"))
        assert first == again
    stored = pd.read_csv(tmp_path / "first" / "deaths.csv")
    assert (
        stored["auroc_mean"].tolist()
        == optimum_numbers(hospital, cells, truth)["auroc_mean"].tolist()
    )


def test_nothing_to_draw_is_said(hospital: Any, entries: Build, tmp_path: Path) -> None:
    cells = entries(hospital, absent=tuple(range(6)))
    with pytest.raises(FleximodalError, match="figure deaths: none of its cells was run"):
        write_optimum_figure(hospital, cells, write_truth(tmp_path, hospital), tmp_path)
