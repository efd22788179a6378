"""The figure of a table: ROC, precision-recall and reliability curves of its methods."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.publishing.curve_numbers import PANELS, curve_numbers
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.drawing import COLOURS, MARKERS, mark_synthetic, write_figure
from fleximodal.publishing.numbers import extent, positives
from fleximodal.publishing.views import data_words

# Seven colours against five strokes: 35 methods before a pair comes again.
STROKES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)))
REFERENCE: dict[str, Any] = {"color": "#999999", "linewidth": 0.8, "zorder": 0}
LABELS = {
    "roc": ("False positive rate (fraction)", "True positive rate (fraction)", "ROC"),
    "precision_recall": ("Recall (fraction)", "Precision (fraction)", "Precision-recall"),
    "reliability": (
        "Mean predicted probability",
        "Observed fraction positive",
        "Reliability (10 equal-mass bins)",
    ),
}


def write_curves(
    declaration: TableDeclaration, cells: Sequence[Mapping[str, Any]], folder: Path | str
) -> None:
    """Write NAME.png, NAME.svg, NAME.pdf and the numbers, NAME.csv, into `folder`.

    One row of panels per modality set, one line per method; `cells` as for `curve_numbers`.

    Raises
    ------
    FleximodalError
        If none of the cells was run.
    """
    numbers = curve_numbers(declaration, cells)
    write_figure(declaration.name, numbers, lambda: draw(numbers, declaration), folder)


def draw(numbers: pd.DataFrame, declaration: TableDeclaration) -> Figure:
    """Return the figure of these numbers."""
    sets = list(dict.fromkeys(numbers["modalities"]))
    looks = _looks(list(dict.fromkeys(numbers["method"])))
    figure = Figure(figsize=(11.5, 4.6 * len(sets) + 0.2 * np.ceil(len(looks) / 4)))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    grid = figure.subplots(len(sets), len(PANELS), squeeze=False)
    for axes, modality_set in zip(grid, sets, strict=True):
        rows = numbers[numbers["modalities"] == modality_set]
        for axis, panel in zip(axes, PANELS, strict=True):
            _draw_panel(axis, panel, rows[rows["panel"] == panel], looks)
            if len(sets) > 1:
                axis.set_title(f"{axis.get_title()}\n{modality_set}")
    figure.suptitle(f"{declaration.title}\n{_subtitle(numbers, declaration)}", fontsize=11)
    handles, names = grid[0, -1].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=min(4, len(names)),
        frameon=False,
        handlelength=4,
    )
    return figure


def _looks(methods: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {
        method: {"color": colour, "linestyle": stroke, "marker": marker}
        for method, colour, stroke, marker in zip(
            methods, cycle(COLOURS), cycle(STROKES), cycle(MARKERS), strict=False
        )
    }


def _subtitle(numbers: pd.DataFrame, declaration: TableDeclaration) -> str:
    classes = numbers["prevalence"].isna().all()
    return (
        f"{data_words(declaration.source)}; test part: n = {extent(numbers['n_stays'])} stays"
        f"{positives(numbers['prevalence'])}; mean of {extent(numbers['n_runs'])} run(s)"
        f"{' and of the classes, each against the rest' if classes else ''}"
    )


def _draw_panel(
    axis: Axes, panel: str, rows: pd.DataFrame, looks: Mapping[str, dict[str, Any]]
) -> None:
    for method, look in looks.items():
        line = rows[rows["method"] == method]
        size = 3.5 if panel == "reliability" else 0
        axis.plot(line["x"], line["y"], label=method, markersize=size, **look)
    abscissa, ordinate, title = LABELS[panel]
    axis.set(xlabel=abscissa, ylabel=ordinate, title=title)
    # Reliability: calibrated scores of a rare outcome fill only a corner of the unit square.
    most = float(rows[["x", "y"]].to_numpy().max()) if panel == "reliability" else 1.0
    limit = min(1.0, np.ceil(most * 10 + 0.2) / 10)
    margin = 0.02 * limit
    axis.set(xlim=(-margin, limit + margin), ylim=(-margin, limit + margin), box_aspect=1)
    if panel == "precision_recall":
        if rows["prevalence"].notna().any():
            axis.axhline(rows["prevalence"].mean(), **REFERENCE)
    else:
        axis.plot([0, limit], [0, limit], **REFERENCE)
    if (rows["data"] == "synthetic").any():
        mark_synthetic(axis)
