"""Cells and the files that were made for them."""

from collections.abc import Callable
from typing import Any

from fleximodal.publishing.entries import cells_with, ends, entries

Build = Callable[..., Any]
CELL = "physionet2012/48-IHM/five-random/all"


def test_a_cell_without_a_file_is_absent(declare: Build) -> None:
    declaration = declare(modalities=["vitals", "vitals+cxr"], methods=["HAIM", "Concat"])
    there = [
        f"results/metrics/{CELL}/vitals/{name}/paper/metrics.json" for name in "HAIM Concat".split()
    ]
    found = entries(declaration, metrics=there[::-1], cost=[])
    assert [entry["metrics"] for entry in found] == [*there, None, None]
    assert [entry["cost"] for entry in found] == [None] * 4
    assert "leakage" not in found[0]


def test_cells_with_a_file_come_in_row_order(declare: Build) -> None:
    declaration = declare(modalities=["vitals"], methods=["HAIM", "Concat", "MulT"])
    concat, haim = (
        f"results/runs/{CELL}/vitals/{name}/paper/predictions.parquet"
        for name in ("Concat", "HAIM")
    )
    cells = declaration.cells()
    assert cells_with(declaration, [concat, haim]) == [(cells[0], haim), (cells[1], concat)]
    assert cells_with(declaration, []) == []


def test_leakage_belongs_to_source_task_and_protocol(declare: Build) -> None:
    declaration = declare(methods=["HAIM", "Concat"])
    report = "results/cohorts/physionet2012/48-IHM/leakage/five-random/leakage.json"
    others = [
        "results/cohorts/physionet2012/48-IHM/leakage/official/leakage.json",
        "results/cohorts/synthetic-physionet2012/48-IHM/leakage/five-random/leakage.json",
    ]
    found = entries(declaration, leakage=[*others, report])
    assert [entry["leakage"] for entry in found] == [report, report]
    assert [entry["leakage"] for entry in entries(declaration, leakage=others)] == [None, None]


def test_folders_end_at_the_border_of_a_name() -> None:
    assert ends("results/mimic4/LOS", "mimic4/LOS")
    assert ends("mimic4/LOS", "mimic4/LOS")
    assert not ends("results/synthetic-mimic4/LOS", "mimic4/LOS")
