"""Figure 3(b): AUROC against the number of experts."""

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

COUNTS = ("n_runs", "n_stays", "n_patients", "prevalence")


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per task and number of experts, measured and published; AUROC in percent."""
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        rows.append(
            {
                "figure": declaration.name,
                **result.head,
                "experts": int(result.entry.label),
                **{name: result.stored[name] for name in COUNTS},
                **in_percent("auroc", result.stored["summary"]["auroc"]),
            }
        )
    for value in inputs.digitised.to_dict("records"):
        rows.append(
            {
                "figure": declaration.name,
                **published_head(value),
                "experts": int(value["label"]),
                "auroc_mean": value["value"],
            }
        )
    columns = ["figure", "origin", "data", "source", "task", "label", "protocol", "cases"]
    columns += ["modalities", "method", "variant", "experts", *COUNTS]
    columns += [*(f"auroc_{name}" for name in STATISTICS), "abs_error"]
    frame = pd.DataFrame(rows, columns=columns)
    floats = dict.fromkeys((f"auroc_{name}" for name in STATISTICS), float)
    return frame.astype(dict.fromkeys(COUNTS[:3], "Int64")).astype(floats)


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: a panel per task."""
    tasks = declaration.tasks
    figure, axes = panels(declaration, len(tasks), size=(4.0 * len(tasks), 4.4))
    for axis, task in zip(axes, tasks, strict=True):
        rows = numbers[numbers["task"] == task].sort_values("experts")
        draw_beside_published(axis, rows, "experts", "auroc")
        experts = sorted({int(number) for number in rows["experts"]})
        axis.set_xticks(experts, [str(number) for number in experts])
        axis.set(title=task, xlabel="Experts (4 kept)", ylabel="AUROC (%)")
        mark(axis, rows)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    entitle(figure, declaration, [measured_words(declaration, numbers)])
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per digitised point."""
    numbers = numbers.assign(label=numbers["label"] + " experts")
    published = numbers[numbers["origin"] == PUBLISHED]
    values = {
        (row["task"], row["label"]): [row["auroc_mean"]] for row in published.to_dict("records")
    }
    ours = numbers[numbers["origin"] == MEASURED]
    return judged(declaration, values, ours, rule)
