"""Figure 3(d): four ways with missing modalities, on their own and on common test stays."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fleximodal.publishing.claims import Claim
from fleximodal.publishing.figure_claims import judged
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import (
    MEASURED,
    PUBLISHED,
    STATISTICS,
    FigureInputs,
    in_percent,
    published_head,
)
from fleximodal.publishing.figure_parts import (
    BESIDE,
    OURS,
    PUBLISHED_COLOUR,
    entitle,
    mark,
    measured_words,
    panels,
)
from fleximodal.publishing.published_table import Rule

COUNTS = ("n_stays", "n_patients", "prevalence")
OWN, COMMON = "own", "common"
# Kind of points: place beside the tick, colour, marker, words.
LOOKS = {
    PUBLISHED: (-0.24, PUBLISHED_COLOUR, "s", "published runs (digitised), with box"),
    OWN: (0.0, OURS, "o", "measured, own test stays: runs, mean, 95 % interval"),
    COMMON: (0.24, BESIDE, "^", "measured, common test stays: runs, mean, 95 % interval"),
}


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per task, entry, test part and run; AUROC in percent.

    `test` is own (the test stays of the cell) or common (those that all entries have);
    `auroc_mean`, `_sd`, `_low` and `_high` are those of all runs together, on each of their rows.
    """
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        head = {"figure": declaration.name, **result.head}
        stored = result.stored
        runs = [(run["split"], run["seed"], run["metrics"]["auroc"]) for run in stored["runs"]]
        rows += _rows({**head, "test": OWN}, stored, stored["summary"]["auroc"], runs)
        common = inputs.of_whole(result.entry.cell)
        if common is not None:
            runs = [(run["split"], run["seed"], run["auroc"]) for run in common["runs"]]
            rows += _rows({**head, "test": COMMON}, common, common["metrics"]["auroc"], runs)
    for _, values in inputs.digitised.groupby(["task", "label"], sort=False):
        rows += [
            {
                "figure": declaration.name,
                **published_head(value),
                "test": OWN,
                "n_runs": len(values),
                "auroc": value["value"],
                "auroc_mean": values["value"].mean(),
                "auroc_sd": values["value"].std(),
            }
            for value in values.to_dict("records")
        ]
    columns = ["figure", "origin", "data", "source", "task", "label", "protocol", "cases"]
    columns += ["modalities", "method", "variant", "test", "n_runs", *COUNTS, "split", "seed"]
    columns += ["auroc", *(f"auroc_{name}" for name in STATISTICS), "abs_error"]
    frame = pd.DataFrame(rows, columns=columns)
    floats = dict.fromkeys(("auroc", *(f"auroc_{name}" for name in STATISTICS)), float)
    whole = dict.fromkeys(("n_runs", "n_stays", "n_patients", "seed"), "Int64")
    return frame.astype(whole).astype(floats)


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: a panel per task."""
    tasks = declaration.tasks
    figure, axes = panels(declaration, len(tasks), size=(4.4 * len(tasks), 4.8))
    labels = list(declaration.methods)
    for axis, task in zip(axes, tasks, strict=True):
        rows = numbers[numbers["task"] == task]
        for place, label in enumerate(labels):
            _draw_entry(axis, rows[rows["label"] == label], place)
        axis.set_xticks(range(len(labels)), labels)
        axis.set_xlim(-0.5, len(labels) - 0.5)
        axis.grid(axis="x", visible=False)
        axis.set(title=task, ylabel="AUROC (%)")
        mark(axis, rows)
    drawn = [name for name in LOOKS if name == PUBLISHED or (numbers["test"] == name).any()]
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=words)
        for name, (_, colour, marker, words) in LOOKS.items()
        if name in drawn
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    words = [measured_words(declaration, numbers), *_common_words(numbers)]
    entitle(figure, declaration, words)
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per box: the mean and deviation of its runs, held against ours."""
    published = numbers[numbers["origin"] == PUBLISHED]
    values = {
        (str(task), str(label)): rows["auroc"].tolist()
        for (task, label), rows in published.groupby(["task", "label"], sort=False)
    }
    own = (numbers["origin"] == MEASURED) & (numbers["test"] == OWN)
    ours = numbers[own].drop_duplicates(["task", "label"])
    return judged(declaration, values, ours, rule)


def _rows(
    head: dict[str, Any],
    stored: dict[str, Any],
    summary: dict[str, float | None],
    runs: list[tuple[str, int, float | None]],
) -> list[dict[str, Any]]:
    shared = in_percent("auroc", summary)
    counts = {name: stored[name] for name in COUNTS}
    return [
        {
            **head,
            **shared,
            **counts,
            "n_runs": len(runs),
            "split": split,
            "seed": seed,
            "auroc": _percent(value),
        }
        for split, seed, value in runs
    ]


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _draw_entry(axis: Axes, rows: pd.DataFrame, place: int) -> None:
    theirs = rows[rows["origin"] == PUBLISHED]
    shift, colour, marker, _ = LOOKS[PUBLISHED]
    if len(theirs):
        look = {"color": colour}
        axis.boxplot(
            theirs["auroc"],
            positions=[place + shift],
            widths=0.2,
            whis=(0, 100),
            manage_ticks=False,
            boxprops=look,
            whiskerprops=look,
            capprops=look,
            medianprops=look,
        )
        _points(axis, theirs, place + shift, colour, marker)
    for test in (OWN, COMMON):
        ours = rows[(rows["origin"] == MEASURED) & (rows["test"] == test)]
        if ours.empty:
            continue
        shift, colour, marker, _ = LOOKS[test]
        first = ours.iloc[0]
        axis.vlines(place + shift, first["auroc_low"], first["auroc_high"], color=colour)
        axis.hlines(first["auroc_mean"], place + shift - 0.08, place + shift + 0.08, color=colour)
        _points(axis, ours, place + shift, colour, marker)


def _points(axis: Axes, rows: pd.DataFrame, place: float, colour: str, marker: str) -> None:
    axis.plot(
        np.full(len(rows), place),
        rows["auroc"],
        linestyle="none",
        marker=marker,
        markersize=5,
        color=colour,
        markeredgecolor="white",
        markeredgewidth=0.6,
        zorder=3,
    )


def _common_words(numbers: pd.DataFrame) -> list[str]:
    """Return how many stays the common test part of each task has."""
    common = numbers[numbers["test"] == COMMON].drop_duplicates("task")
    counts = [f"{row['n_stays']} ({row['task']})" for row in common.to_dict("records")]
    return [f"common test stays: {', '.join(counts)}"] if counts else []
