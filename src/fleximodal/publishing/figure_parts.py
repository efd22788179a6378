"""What the figures of the papers share in their looks."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.publishing.drawing import mark_synthetic
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import MEASURED, PUBLISHED
from fleximodal.publishing.numbers import extent
from fleximodal.publishing.views import data_words

PUBLISHED_COLOUR = "#8C8C8C"
PUBLISHED_WORDS = "published (digitised)"
OURS = "#0072B2"
BESIDE = "#D55E00"
ABSENT_WORDS = "not run:\ndata absent"


def panels(
    declaration: FigureDeclaration,
    count: int,
    *,
    size: tuple[float, float],
    rows: int = 1,
    **options: Any,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with its title and rows of `count` panels each, row after row."""
    figure = Figure(figsize=size)
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.1)
    axes = figure.subplots(rows, count, squeeze=False, **options)
    return figure, list(axes.flatten())


def entitle(figure: Figure, declaration: FigureDeclaration, words: Sequence[str]) -> None:
    """Write the title of the figure, and lines below it."""
    width = int(figure.get_figwidth() * 11)
    lines = [line for text in (declaration.title, *words) for line in wrap(text, width)]
    figure.suptitle("\n".join(lines), fontsize=10)


def measured_words(declaration: FigureDeclaration, numbers: pd.DataFrame) -> str:
    """Return on which data and how many runs the measured numbers rest."""
    ours = numbers[numbers["origin"] == MEASURED]
    if ours.empty:
        return "published values alone; ours were not run: data absent"
    runs = f"{extent(ours['n_runs'])} run(s)"
    data = data_words(declaration.source, declaration.found)
    return f"{data}, protocol {declaration.protocol}; {runs}"


def mark(axis: Axes, rows: pd.DataFrame) -> None:
    """Mark a panel whose measured numbers are of generated data; say so where there are none."""
    ours = rows[rows["origin"] == MEASURED]
    if ours.empty:
        axis.text(0.97, 0.03, ABSENT_WORDS, transform=axis.transAxes, ha="right", va="bottom",
                  fontsize=8, color="#555555")  # fmt: skip
    elif (ours["data"] == "synthetic").any():
        mark_synthetic(axis)


def draw_beside_published(axis: Axes, rows: pd.DataFrame, x: str, metric: str) -> None:
    """Draw `metric` against column `x`: published points dashed, ours with 95 % intervals.

    Columns `metric`_mean, `_low` and `_high`.
    """
    theirs = rows[rows["origin"] == PUBLISHED]
    axis.plot(
        theirs[x],
        theirs[f"{metric}_mean"],
        color=PUBLISHED_COLOUR,
        linestyle=(0, (5, 2)),
        marker="s",
        markerfacecolor="white",
        label=PUBLISHED_WORDS,
    )
    ours = rows[rows["origin"] == MEASURED]
    mean = ours[f"{metric}_mean"]
    spread = [
        (mean - ours[f"{metric}_low"]).clip(lower=0),
        (ours[f"{metric}_high"] - mean).clip(lower=0),
    ]
    axis.errorbar(
        ours[x],
        mean,
        spread,
        color=OURS,
        marker="o",
        capsize=3,
        label="measured: mean and 95 % interval",
    )
