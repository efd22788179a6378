"""Flex-MoE, figure 6: accuracy against the number of experts, of layers, and of experts kept."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

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
    draw_beside_published,
    entitle,
    mark,
    measured_words,
    panels,
)
from fleximodal.publishing.published_table import Rule

METRIC = "accuracy"
COUNTS = ("n_runs", "n_stays", "n_patients")
# What is varied: what entries are called before their number, and the words of the axis.
VARIED = {"experts": "Experts", "layers": "Fusion layers", "kept": "Experts kept per token"}


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per setting, measured and published; accuracy in percent."""
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        rows.append(
            {
                "figure": declaration.name,
                **result.head,
                **_setting(result.entry.label),
                **{name: result.stored[name] for name in COUNTS},
                **in_percent(METRIC, result.stored["summary"][METRIC]),
            }
        )
    rows += [
        {
            "figure": declaration.name,
            **published_head(value),
            **_setting(value["label"]),
            f"{METRIC}_mean": value["value"],
        }
        for value in inputs.digitised.to_dict("records")
    ]
    statistics = [f"{METRIC}_{name}" for name in STATISTICS]
    columns = ["figure", "origin", "data", "source", "task", "label", "protocol", "cases"]
    columns += ["modalities", "method", "variant", "varied", "size", *COUNTS]
    columns += [*statistics, "abs_error"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(COUNTS, "Int64")).astype(dict.fromkeys(statistics, float))


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: a panel per size that is varied."""
    figure, axes = panels(declaration, len(VARIED), size=(12.0, 4.4), sharey=True)
    for axis, (varied, words) in zip(axes, VARIED.items(), strict=True):
        rows = numbers[numbers["varied"] == varied].sort_values("size")
        draw_beside_published(axis, rows, "size", METRIC)
        sizes = sorted(set(rows["size"].tolist()))
        axis.set_xticks(sizes, [str(size) for size in sizes])
        axis.set(xlabel=words, ylabel="Accuracy (%)" if axis is axes[0] else "")
        mark(axis, rows)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    entitle(figure, declaration, [measured_words(declaration, numbers)])
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per point."""
    published = numbers[numbers["origin"] == PUBLISHED]
    values = {
        (row["task"], row["label"]): [row[f"{METRIC}_mean"]] for row in published.to_dict("records")
    }
    ours = numbers[numbers["origin"] == MEASURED]
    return judged(declaration, values, ours, rule, metric=METRIC)


def _setting(label: str) -> dict[str, Any]:
    varied, _, size = label.rpartition(" ")
    return {"varied": varied, "size": int(size)}
