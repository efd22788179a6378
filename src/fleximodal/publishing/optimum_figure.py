"""The figure of a table with the optimum: measured AUROC beside the best one, per modality set."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import data_kind
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.drawing import MARKERS, mark_synthetic, write_figure
from fleximodal.publishing.numbers import extent, positives
from fleximodal.publishing.optimum import GAP, OPTIMUM, best_value
from fleximodal.publishing.views import data_words

STATISTICS = ("mean", "sd", "low", "high")
COUNTS = ("n_runs", "n_stays", "n_patients", "prevalence")
SAMPLE = "auroc_optimum_sample"
BEST_COLOUR = "#D55E00"
METHOD_COLOURS = ("#0072B2", "#000000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def write_optimum_figure(
    declaration: TableDeclaration,
    cells: Sequence[Mapping[str, Any]],
    truth: Path | str,
    folder: Path | str,
) -> None:
    """Write NAME.png, NAME.svg, NAME.pdf and the numbers, NAME.csv, into `folder`.

    Parameters
    ----------
    declaration
        A table with `optimum`.
    cells
        In row order: "cell" (source, ..., variant) and "metrics", the path of metrics.json or
        None where the data of the cell are absent.
    truth
        truth.json of the generated source.
    folder
        Folder of figures.

    Raises
    ------
    FleximodalError
        If none of the cells was run, or truth.json lacks one of them.
    """
    numbers = optimum_numbers(declaration, cells, truth)
    write_figure(declaration.name, numbers, lambda: draw(numbers, declaration), folder)


def optimum_numbers(
    declaration: TableDeclaration, cells: Sequence[Mapping[str, Any]], truth: Path | str
) -> pd.DataFrame:
    """Return one row per cell that was run, from the least to the greatest optimum.

    AUROC as fractions; `auroc_optimum` in expectation, `auroc_optimum_sample` in the generated
    labels, `auroc_gap` the expected optimum minus the measured mean.
    """
    rows = [_row(declaration, entry, truth) for entry in cells if entry["metrics"]]
    if not rows:
        raise FleximodalError(
            f"figure {declaration.name}: none of its cells was run, because the data of source "
            f"{declaration.source!r} are absent; provide them or set 'figure: false'"
        )
    frame = pd.DataFrame(rows).sort_values(OPTIMUM, kind="stable", ignore_index=True)
    return frame.astype({name: float for name in frame if str(name).startswith("auroc_")})


def _row(
    declaration: TableDeclaration, entry: Mapping[str, Any], truth: Path | str
) -> dict[str, Any]:
    cell = entry["cell"]
    stored = json.loads(Path(entry["metrics"]).read_text(encoding="utf-8"))
    measured = stored["summary"]["auroc"]
    best = best_value(truth, cell)
    return {
        "table": declaration.name,
        "data": data_kind(cell["source"]),
        **cell,
        **{name: stored[name] for name in COUNTS},
        **{f"auroc_{statistic}": measured[statistic] for statistic in STATISTICS},
        OPTIMUM: best,
        SAMPLE: best_value(truth, cell, kind="sample"),
        GAP: None if None in (best, measured["mean"]) else best - measured["mean"],
    }


def draw(numbers: pd.DataFrame, declaration: TableDeclaration) -> Figure:
    """Return the figure of these numbers: a line per modality set, the greatest optimum on top."""
    best = numbers.drop_duplicates("modalities").set_index("modalities")[OPTIMUM]
    places = {name: place for place, name in enumerate(best.index)}
    methods = [name for name in declaration.methods if name in set(numbers["method"])]
    pitch = max(0.26, 0.13 * len(methods))
    figure = Figure(figsize=(7.4, 2.1 + pitch * len(places)))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    axis = figure.subplots()
    axis.scatter(
        best,
        list(places.values()),
        marker="|",
        s=190,
        linewidths=2.6,
        color=BEST_COLOUR,
        label="best reachable (expected)",
        zorder=3,
    )
    for number, method in enumerate(methods):
        rows = numbers[numbers["method"] == method]
        shift = 0.0 if len(methods) == 1 else 0.5 * (number / (len(methods) - 1) - 0.5)
        heights = rows["modalities"].map(places).to_numpy() - shift
        _draw_method(axis, rows, heights, method, number)
    axis.set_yticks(list(places.values()), list(places))
    axis.set(xlabel="AUROC (fraction): mean and 95 % interval", ylim=(-0.7, len(places) - 0.3))
    axis.grid(axis="x", visible=False)
    axis.axvline(0.5, color="#999999", linewidth=0.8, linestyle=(0, (1, 1)), zorder=0)
    figure.suptitle("\n".join([*wrap(declaration.title, 92), *_subtitle(numbers)]), fontsize=10)
    figure.legend(loc="outside lower center", ncols=min(4, 1 + len(methods)), frameon=False)
    if (numbers["data"] == "synthetic").any():
        mark_synthetic(axis, min(22, 5 + 2 * len(places)))
    return figure


def _draw_method(
    axis: Axes, rows: pd.DataFrame, heights: np.ndarray, method: str, number: int
) -> None:
    """Draw a method's means with their intervals."""
    colour = METHOD_COLOURS[number % len(METHOD_COLOURS)]
    mean, low, high = (
        rows[name].to_numpy(dtype=float) for name in ("auroc_mean", "auroc_low", "auroc_high")
    )
    known = ~np.isnan(low)
    axis.hlines(heights[known], low[known], high[known], color=colour, linewidth=1.6, zorder=2)
    axis.plot(
        mean,
        heights,
        linestyle="none",
        marker=MARKERS[number % len(MARKERS)],
        markersize=5,
        markerfacecolor=colour,
        markeredgecolor="white",
        markeredgewidth=0.6,
        color=colour,
        label=method,
        zorder=4,
    )


def _subtitle(numbers: pd.DataFrame) -> list[str]:
    first = numbers.iloc[0]
    return [
        f"{data_words(first['source'])}; task {first['task']}, protocol {first['protocol']}",
        f"test part: n = {extent(numbers['n_stays'])} stays{positives(numbers['prevalence'])}; "
        f"mean of {extent(numbers['n_runs'])} run(s)",
    ]
