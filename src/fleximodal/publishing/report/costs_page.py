"""The page of costs: time, memory and parameters of every cell, and their sums."""

from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.publishing.numbers import count, rounded
from fleximodal.publishing.report.document import begin
from fleximodal.publishing.report.facts import Facts, read_facts

HOUR = 3600


def write_costs(facts: Path | str, output: Path | str) -> None:
    """Write the page.

    Raises
    ------
    FleximodalError
        If the facts cannot be read.
    """
    told = read_facts(facts)
    document = begin("Costs of training", told)
    cells = pd.DataFrame(told.trained)
    if len(cells):
        document.text(
            f"{len(cells)} cells were trained in {_time(cells['wall_seconds'].sum())} of process "
            f"time; at most {count(cells['peak_memory_mb'].max())} MB of memory and "
            f"{count(cells['parameters'].max())} parameters.",
            "Time is that of training and scoring all runs (splits and seeds) of a cell, without "
            "the start of the process; memory is the peak of the GPU where there is one, else of "
            "the process.",
        )
    document.heading("By method")
    document.table(_by_method(cells), "Costs by method", "No cell was trained in this run.")
    document.heading("By cell")
    document.table(_by_cell(told), "Costs by cell", "No cell was trained in this run.")
    document.write(output)


def _by_method(cells: pd.DataFrame) -> pd.DataFrame:
    if cells.empty:
        return cells
    rows = [
        {
            "Method": str(method),
            "Cells": count(len(group)),
            "Time (s)": rounded(group["wall_seconds"].sum(), 1),
            "Time per run (s)": rounded(group["wall_seconds"].sum() / group["runs"].sum(), 2),
            "Peak memory (MB)": count(group["peak_memory_mb"].max()),
            "Parameters, least": count(group["parameters"].min()),
            "Parameters, most": count(group["parameters"].max()),
        }
        for method, group in cells.assign(runs=_runs(cells)).groupby("method", sort=False)
    ]
    return pd.DataFrame(rows)


def _runs(cells: pd.DataFrame) -> "pd.Series[int]":
    return cells["splits"].map(len) * cells["seeds"].map(len)


def _by_cell(facts: Facts) -> pd.DataFrame:
    return pd.DataFrame([_row(cell) for cell in facts.trained])


def _row(cell: dict[str, Any]) -> dict[str, str]:
    return {
        "Source": cell["source"],
        "Task": cell["task"],
        "Modalities": cell["modalities"],
        "Method": cell["method"],
        "Variant": cell["variant"],
        "Protocol": cell["protocol"],
        "Cases": cell["cases"],
        "Runs": count(len(cell["splits"]) * len(cell["seeds"])),
        "Time (s)": rounded(cell["wall_seconds"], 1),
        "Peak memory (MB)": count(cell["peak_memory_mb"]),
        "Parameters": count(cell["parameters"]),
        "Device": cell["device"],
        "Threads": count(cell["threads"]),
    }


def _time(seconds: float) -> str:
    return f"{rounded(seconds / HOUR, 2)} hours" if seconds >= HOUR else f"{rounded(seconds, 0)} s"
