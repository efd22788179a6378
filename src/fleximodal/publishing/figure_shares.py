"""Figure 3(c): the share of each modality, in three readings."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fleximodal.publishing.claims import Claim
from fleximodal.publishing.figure_claims import unjudged
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import (
    PUBLISHED,
    FigureInputs,
    Result,
    published_head,
)
from fleximodal.publishing.figure_parts import (
    PUBLISHED_COLOUR,
    PUBLISHED_WORDS,
    entitle,
    mark,
    measured_words,
    panels,
)
from fleximodal.publishing.published_table import Rule

# What a bar is called, and its colour.
READINGS = {
    "presence": ("presence, weighted by gates", "#56B4E9"),
    "norm": ("length of what experts add", "#0072B2"),
    "ablation": ("loss of AUROC without it", "#D55E00"),
}
REASON = (
    "the weighting is not described, and the one of the text reduces to counts of presence, which "
    "the published bars are not"
)


def numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per task, modality and reading, measured and published; shares as fractions.

    Of the ablation also `loss`, `loss_low` and `loss_high`: AUROC (fraction) on intact data minus
    that without the modality. Negative losses count as 0 in the share, which is missing where no
    loss is positive.
    """
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        head = {"figure": declaration.name, **result.head, "n_runs": len(result.stored["runs"])}
        names = result.entry.cell.modalities.split("+")
        for reading in ("presence", "norm"):
            rows += [
                {**head, "modality": name, "reading": reading, **_over_runs(result, reading, name)}
                for name in names
            ]
        losses = _losses(inputs, result, names)
        positive = {name: max(0.0, losses[name]["loss"] or 0.0) for name in names}
        total = sum(positive.values())
        rows += [
            {
                **head,
                "modality": name,
                "reading": "ablation",
                "share": positive[name] / total if total else None,
                **losses[name],
            }
            for name in names
        ]
    for value in inputs.digitised.to_dict("records"):
        rows.append(
            {
                "figure": declaration.name,
                **published_head(value),
                "label": None,
                "modality": value["label"],
                "reading": PUBLISHED,
                "share": value["value"],
            }
        )
    columns = ["figure", "origin", "data", "source", "task", "label", "protocol", "cases"]
    columns += ["modalities", "method", "variant", "n_runs", "modality", "reading", "share"]
    columns += ["share_sd", "loss", "loss_low", "loss_high", "abs_error"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"n_runs": "Int64", "share": float, "share_sd": float})


def draw(numbers: pd.DataFrame, declaration: FigureDeclaration) -> Figure:
    """Return the figure: a panel per task, a group of bars per modality."""
    tasks = declaration.tasks
    size = (4.2 * len(tasks), 4.4)
    figure, axes = panels(declaration, len(tasks), size=size, sharey=True)
    names = (declaration.modalities or "").split("+")
    for axis, task in zip(axes, tasks, strict=True):
        rows = numbers[numbers["task"] == task]
        _draw_task(axis, rows, names)
        axis.set_xticks(range(len(names)), names)
        axis.grid(axis="x", visible=False)
        axis.set(title=task, ylabel="Share (fraction)" if axis is axes[0] else "")
        mark(axis, rows)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    entitle(figure, declaration, [measured_words(declaration, numbers)])
    return figure


def claims(declaration: FigureDeclaration, numbers: pd.DataFrame, rule: Rule) -> list[Claim]:
    """Return a claim per digitised bar beside the reading of the text; none is a target."""
    kept = numbers["reading"].isin([PUBLISHED, "presence"])
    return unjudged(declaration, numbers[kept], "modality", "share", REASON)


def _over_runs(result: Result, reading: str, modality: str) -> dict[str, float | None]:
    assert result.stored is not None
    values = [run[reading][modality] for run in result.stored["runs"]]
    if None in values:
        return {"share": None, "share_sd": None}
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"share": float(np.mean(values)), "share_sd": deviation}


def _losses(
    inputs: FigureInputs, result: Result, names: list[str]
) -> dict[str, dict[str, float | None]]:
    """Return the loss of AUROC without each modality, with its interval."""
    found = inputs.of_whole(result.entry.cell)
    conditions = {} if found is None else {c["condition"]: c for c in found["conditions"]}
    losses: dict[str, dict[str, float | None]] = {}
    for name in names:
        others = "+".join(other for other in names if other != name)
        loss = conditions.get(f"only:{others}", {"loss": {"auroc": {}}})["loss"]["auroc"]
        losses[name] = {
            "loss": loss.get("mean"),
            "loss_low": loss.get("low"),
            "loss_high": loss.get("high"),
        }
    return losses


def _draw_task(axis: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    looks = {PUBLISHED: (PUBLISHED_WORDS, PUBLISHED_COLOUR), **READINGS}
    width = 0.8 / len(looks)
    for number, (reading, (label, colour)) in enumerate(looks.items()):
        found = rows[rows["reading"] == reading].set_index("modality").reindex(names)
        deviation = found["share_sd"].where(found["share_sd"].notna(), 0.0)
        axis.bar(
            np.arange(len(names)) + (number + 0.5) * width - 0.4,
            found["share"],
            0.92 * width,
            color=colour,
            hatch="///" if reading == PUBLISHED else None,
            edgecolor="white",
            yerr=deviation if deviation.any() else None,
            label=label,
        )
