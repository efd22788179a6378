"""Flex-MoE, figure 4: similarities of combinations and of missing modalities, in three measures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.combination_names import combinations_of, letters_of, pair_label
from fleximodal.publishing.claims import Claim
from fleximodal.publishing.drawing import mark_synthetic
from fleximodal.publishing.figure_claims import unjudged
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import PUBLISHED, FigureInputs, published_head
from fleximodal.publishing.figure_parts import (
    ABSENT_WORDS,
    PUBLISHED_WORDS,
    entitle,
    measured_words,
    panels,
)
from fleximodal.publishing.numbers import NONE, rounded
from fleximodal.publishing.published_table import Rule

PANELS = {"combinations": "observed combinations", "missing": "missing modalities"}
QUANTITIES = {
    "similarity_of_combinations": "combinations",
    "similarity_of_missing_modalities": "missing",
}
# What is measured, in words; the first is held beside the published values.
MEASURES = {
    "model_inputs": "model inputs",
    "bank_rows": "bank, all cells",
    "used_cells": "bank, used cells",
}
REASON = "the paper does not say of which vectors these are the similarities"


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per panel, pair and measure, measured and published.

    `similarity` is the mean over runs, `similarity_sd` their deviation; `overlap` is the number of
    modalities in both combinations over that in either.
    """
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        runs = result.stored["runs"]
        head = {"figure": declaration.name, **result.head, "n_runs": len(runs)}
        for panel in PANELS:
            for measure in MEASURES:
                found = [run["similarity"][panel][measure] for run in runs]
                rows += [
                    {**head, **_pair(panel, pair), "measure": measure, **_over_runs(found, pair)}
                    for pair in found[0]
                ]
    rows += [
        {
            "figure": declaration.name,
            **published_head(value),
            **_pair(QUANTITIES[value["quantity"]], value["label"]),
            "measure": PUBLISHED,
            "similarity": value["value"],
        }
        for value in inputs.digitised.to_dict("records")
    ]
    columns = ["figure", "origin", "data", "source", "task", "label", "protocol", "cases"]
    columns += ["modalities", "method", "variant", "n_runs", "panel", "first", "second"]
    columns += ["overlap", "measure", "similarity", "similarity_sd", "abs_error"]
    frame = pd.DataFrame(rows, columns=columns)
    floats = dict.fromkeys(("similarity", "similarity_sd", "overlap"), float)
    return frame.astype({"n_runs": "Int64", **floats})


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: a row of heat maps per panel, published first, then each measure."""
    measures = [PUBLISHED, *MEASURES]
    figure, axes = panels(declaration, len(measures), size=(13.0, 6.6), rows=len(PANELS))
    letters = letters_of((declaration.modalities or "").split("+"))
    order = combinations_of(letters)
    image = None
    for row, (panel, words) in enumerate(PANELS.items()):
        of_panel = numbers[numbers["panel"] == panel]
        seen = {*of_panel["first"], *of_panel["second"]}
        names = [name for name in (order if panel == "combinations" else letters) if name in seen]
        for column, measure in enumerate(measures):
            axis = axes[row * len(measures) + column]
            rows = of_panel[of_panel["measure"] == measure]
            image = _draw_map(axis, rows, names) or image
            told = PUBLISHED_WORDS.split(" (")[0] if measure == PUBLISHED else MEASURES[measure]
            axis.set_title(f"{words}:\n{told}")
            if (rows["data"] == "synthetic").any():
                mark_synthetic(axis, 10)
    if image is not None:
        figure.colorbar(image, ax=axes, label="Cosine similarity", shrink=0.7)
    lines = [measured_words(declaration, numbers), overlap_words(numbers)]
    entitle(figure, declaration, lines)
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per printed similarity beside that of model inputs; none is a target."""
    kept = numbers["measure"].isin([PUBLISHED, next(iter(MEASURES))])
    return unjudged(declaration, numbers[kept], "label", "similarity", REASON)


def overlap_words(numbers: pd.DataFrame) -> str:
    """Return, per measure, the rank correlation of overlap and similarity of combinations."""
    from scipy.stats import spearmanr  # Takes a second; every other figure would wait for it.

    words = []
    for measure, told in {PUBLISHED: "published", **MEASURES}.items():
        rows = numbers[(numbers["panel"] == "combinations") & (numbers["measure"] == measure)]
        rows = rows.dropna(subset=["similarity"])
        if len(rows) > 2 and rows["similarity"].nunique() > 1 and rows["overlap"].nunique() > 1:
            value = float(spearmanr(rows["overlap"], rows["similarity"]).statistic)
            words.append(f"{told} {rounded(value, 2)} ({len(rows)} pairs)")
    return (
        ""
        if not words
        else ("Rank correlation of overlap and similarity of combinations: " + ", ".join(words))
    )


def _pair(panel: str, label: str) -> dict[str, Any]:
    first, second = label.split("|")
    one, other = set(first), set(second)
    overlap = len(one & other) / len(one | other) if panel == "combinations" else None
    return {
        "panel": panel,
        "label": pair_label(first, second),
        "first": first,
        "second": second,
        "overlap": overlap,
    }


def _over_runs(found: Sequence[dict[str, float | None]], pair: str) -> dict[str, float | None]:
    values = [value for one in found if (value := one.get(pair)) is not None]
    if not values:
        return {"similarity": None, "similarity_sd": None}
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"similarity": float(np.mean(values)), "similarity_sd": deviation}


def _draw_map(axis: Axes, rows: pd.DataFrame, names: Sequence[str]) -> Any:
    """Draw a symmetric map with its numbers; return the image, None if there is nothing."""
    axis.grid(visible=False)
    if rows.empty:
        axis.set_axis_off()
        axis.text(0.5, 0.5, ABSENT_WORDS, ha="center", va="center", color="#555555")
        return None
    place = {name: number for number, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(values, 1.0)
    for row in rows.to_dict("records"):
        one, other = place[row["first"]], place[row["second"]]
        values[one, other] = values[other, one] = row["similarity"]
    image = axis.imshow(values, cmap="cividis", vmin=-0.2, vmax=1.0)
    for (one, other), value in np.ndenumerate(values):
        shown = NONE if np.isnan(value) else rounded(float(value), 2)
        pale = not np.isnan(value) and value < 0.4
        axis.text(other, one, shown, ha="center", va="center", fontsize=7,
                  color="white" if pale else "black")  # fmt: skip
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set_yticks(range(len(names)), names)
    return image
