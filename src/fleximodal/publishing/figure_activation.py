"""Flex-MoE, figure 5: from which observed combinations the activations of an expert come."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.combination_names import (
    BUFFER,
    combinations_of,
    letters_of,
    pair_label,
)
from fleximodal.publishing.claims import Claim
from fleximodal.publishing.drawing import COLOURS
from fleximodal.publishing.figure_claims import unjudged
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import PUBLISHED, FigureInputs, published_head
from fleximodal.publishing.figure_parts import (
    PUBLISHED_WORDS,
    entitle,
    mark,
    measured_words,
    panels,
)
from fleximodal.publishing.published_table import Rule

COUNTS = ("top_k", "top_1")  # which choices of a token count: all kept, or the first alone
SHARE, SPECIALISATION = "share", "specialisation"
HATCHES = ("", "///", "...", "xxx")
REASON = "neither the part of the data nor the rule of counting is printed"


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per expert, combination and count, measured and published, in percent.

    `quantity` is share (of the activations of `expert`, those of stays of `combination`; of all
    runs together, `percent_sd` the deviation of the runs) or specialisation (of the activations of
    stays of `combination`, those of its own expert). `activations` are choices of all runs.
    """
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        stored = result.stored
        head = {"figure": declaration.name, **result.head, "n_runs": len(stored["runs"])}
        for count in COUNTS:
            rows += [{**head, "count": count, **row} for row in _measured(stored, count)]
    for value in inputs.digitised.to_dict("records"):
        expert, combination = value["label"].split("|")
        rows.append(
            {
                "figure": declaration.name,
                **published_head(value),
                "count": PUBLISHED,
                "quantity": SHARE,
                "expert": expert,
                "combination": combination,
                "percent": value["value"],
            }
        )
    columns = ["figure", "origin", "data", "source", "task", "label", "protocol", "cases"]
    columns += ["modalities", "method", "variant", "n_runs", "count", "quantity", "expert"]
    columns += ["combination", "activations", "percent", "percent_sd", "abs_error"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(
        {"n_runs": "Int64", "activations": "Int64", "percent": float, "percent_sd": float}
    )


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: stacked bars of experts, published above ours."""
    figure, axes = panels(declaration, 1, size=(11.0, 7.0), rows=2, sharey=True)
    letters = letters_of((declaration.modalities or "").split("+"))
    experts = [*combinations_of(letters), BUFFER]
    shares = numbers[numbers["quantity"] == SHARE]
    seen = [name for name in experts if name in set(shares["combination"])]
    colours = COLOURS[::-1]
    looks = {
        name: (colours[n % len(colours)], HATCHES[n // len(colours)]) for n, name in enumerate(seen)
    }
    kinds = {PUBLISHED: PUBLISHED_WORDS, COUNTS[0]: "measured, all experts kept"}
    for axis, (count, words) in zip(axes, kinds.items(), strict=True):
        rows = shares[shares["count"] == count]
        _stack(axis, rows, experts, looks)
        axis.set(title=words, ylabel="Share of activations (%)", ylim=(0, 100))
        axis.grid(axis="x", visible=False)
        if count != PUBLISHED:
            mark(axis, rows)
    axes[-1].set_xlabel("Expert")
    handles, names = max(
        (axis.get_legend_handles_labels() for axis in axes), key=lambda h: len(h[0])
    )
    figure.legend(
        handles, names, loc="outside right upper", frameon=False, title="Observed\ncombination"
    )
    entitle(figure, declaration, [measured_words(declaration, numbers)])
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per digitised share beside ours; none is a target."""
    kept = (numbers["quantity"] == SHARE) & numbers["count"].isin([PUBLISHED, COUNTS[0]])
    return unjudged(declaration, numbers[kept], "label", "percent", REASON)


def _measured(stored: Mapping[str, Any], count: str) -> list[dict[str, Any]]:
    """Return shares and specialisation of all runs together; experts without choices have none."""
    combinations: list[str] = stored["combinations"]
    runs = np.array([_pooled(run["routing"], count) for run in stored["runs"]], dtype=float)
    own = len(combinations)
    occurring = [number for number in range(own) if runs[:, number].sum() > 0]
    # Columns: an expert per combination, then all others together.
    columns = [runs[:, :, expert] for expert in range(min(own, runs.shape[2]))]
    names = combinations[: len(columns)]
    if runs.shape[2] > own:
        columns.append(runs[:, :, own:].sum(2))
        names = [*names, BUFFER]
    rows = []
    for name, column in zip(names, columns, strict=True):
        totals = column.sum(1, keepdims=True)
        shares = np.divide(column, totals, out=np.full_like(column, np.nan), where=totals > 0)
        pooled, total = column.sum(0), column.sum()
        for number in occurring:
            rows.append(
                {
                    "label": pair_label(name, combinations[number]),
                    "quantity": SHARE,
                    "expert": name,
                    "combination": combinations[number],
                    "activations": int(pooled[number]),
                    "percent": 100 * pooled[number] / total if total else None,
                    "percent_sd": _deviation(shares[:, number]),
                }
            )
    for number in occurring:
        if number >= runs.shape[2]:
            continue
        totals = runs[:, number].sum(1)
        mine = runs[:, number, number]
        each = np.divide(mine, totals, out=np.full_like(mine, np.nan), where=totals > 0)
        rows.append(
            {
                "label": pair_label(combinations[number], combinations[number]),
                "quantity": SPECIALISATION,
                "expert": combinations[number],
                "combination": combinations[number],
                "activations": int(mine.sum()),
                "percent": 100 * mine.sum() / totals.sum(),
                "percent_sd": _deviation(each),
            }
        )
    return rows


def _pooled(routing: Mapping[str, Any], count: str) -> np.ndarray:
    """Return the choices of one run over layers, (combinations, experts)."""
    return np.sum([layer[count] for layer in routing["layers"]], axis=0)


def _deviation(shares: np.ndarray) -> float | None:
    known = shares[~np.isnan(shares)]
    return 100 * float(np.std(known, ddof=1)) if len(known) > 1 else None


def _stack(
    axis: Axes, rows: pd.DataFrame, experts: list[str], looks: Mapping[str, tuple[str, str]]
) -> None:
    bottom = np.zeros(len(experts))
    for combination, (colour, hatch) in looks.items():
        found = rows[rows["combination"] == combination].set_index("expert")["percent"]
        height = found.reindex(experts).fillna(0.0).to_numpy()
        axis.bar(
            range(len(experts)),
            height,
            0.8,
            bottom=bottom,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.5,
            label=combination,
        )
        bottom += height
    axis.set_xticks(range(len(experts)), experts, rotation=45)
