"""The figure of robustness: AUROC against the drop rate, and under every subset of modalities."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.publishing.drawing import COLOURS, MARKERS, mark_synthetic
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import FigureInputs
from fleximodal.publishing.figure_parts import entitle
from fleximodal.publishing.numbers import extent, percent, positives
from fleximodal.publishing.robustness_numbers import robustness_numbers
from fleximodal.publishing.views import data_words

MAP = "cividis"
LONGEST_UPRIGHT = 7  # letters of a modality that fit under a column


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return the rows of the table; the figure is drawn from the same numbers."""
    return robustness_numbers(declaration, inputs)


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: drop rates on the left, subsets on the right."""
    methods = list(dict.fromkeys(numbers["method"]))
    figure = Figure(figsize=(14.0, 4.2 + 0.22 * len(methods)))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.1)
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.5))
    _draw_rates(left, numbers, methods)
    _draw_subsets(figure, right, numbers, methods)
    if (numbers["data"] == "synthetic").any():
        mark_synthetic(left)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=6, frameon=False)
    entitle(figure, declaration, [_subtitle(numbers, declaration)])
    return figure


def _subtitle(numbers: pd.DataFrame, declaration: FigureDeclaration) -> str:
    return (
        f"{data_words(declaration.source)}; task {extent_of(numbers, 'task')}; test part: n = "
        f"{extent(numbers['n_stays'])} stays{positives(numbers['prevalence'])}; "
        f"mean of {extent(numbers['n_runs'])} run(s)"
    )


def extent_of(numbers: pd.DataFrame, column: str) -> str:
    """Return the distinct texts of a column."""
    return ", ".join(dict.fromkeys(numbers[column]))


def _draw_rates(axis: Axes, numbers: pd.DataFrame, methods: list[str]) -> None:
    for number, method in enumerate(methods):
        kept = (numbers["method"] == method) & numbers["kind"].isin(["intact", "drop"])
        rows = numbers[kept].sort_values("percent")
        # Beyond seven methods the colours come again, with a broken line and another marker.
        axis.plot(
            rows["percent"].astype(float),
            100 * rows["auroc_mean"],
            color=COLOURS[number % len(COLOURS)],
            linestyle="-" if number < len(COLOURS) else (0, (4, 1.5)),
            marker=MARKERS[number % len(MARKERS)],
            markersize=4.5,
            label=method,
        )
        if number == 0:
            axis.fill_between(
                rows["percent"].astype(float),
                100 * rows["auroc_low"],
                100 * rows["auroc_high"],
                color=COLOURS[0],
                alpha=0.08,
                linewidth=0,
            )
    axis.axhline(50, color="#999999", linewidth=0.8, linestyle=(0, (1, 1)), zorder=0)
    first = f"; shaded: 95 % interval of {methods[0]}" if methods else ""
    axis.set(
        xlabel=f"Modalities dropped at test time (%){first}",
        ylabel="AUROC (%)",
        title="Dropped at random",
    )


def _draw_subsets(figure: Figure, axis: Axes, numbers: pd.DataFrame, methods: list[str]) -> None:
    rows = numbers[numbers["kind"] != "drop"]
    subsets = sorted(dict.fromkeys(rows["subset"]), key=lambda subset: subset.count("+"))
    grid = rows.pivot(index="method", columns="subset", values="auroc_mean")
    grid = grid.reindex(index=methods, columns=subsets)
    values = 100 * grid.to_numpy(dtype=float)
    image = axis.imshow(values, aspect="auto", cmap=MAP)
    middle = (np.nanmin(values) + np.nanmax(values)) / 2 if np.isfinite(values).any() else 0.0
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        if np.isfinite(value):
            axis.text(
                column,
                row,
                percent(value / 100),
                ha="center",
                va="center",
                fontsize=7,
                color="#FFFFFF" if value < middle else "#000000",
            )
    longest = max(len(name) for subset in subsets for name in subset.split("+"))
    if longest > LONGEST_UPRIGHT:
        axis.set_xticks(range(len(subsets)), subsets, fontsize=7, rotation=40, ha="right")
    else:
        axis.set_xticks(range(len(subsets)), [s.replace("+", "\n") for s in subsets], fontsize=7.5)
    axis.set_yticks(range(len(methods)), methods)
    axis.grid(visible=False)
    axis.set(title="What is left at test time: AUROC (%)")
    figure.colorbar(image, ax=axis, label="AUROC (%)", pad=0.01)
    if (numbers["data"] == "synthetic").any():
        axis.set_xlabel("synthetic (generated) data")
