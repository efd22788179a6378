"""Rows of the claims table for the values of figures, which are read off the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fleximodal.publishing.claims import ABSENT, INCOMPARABLE, NO_TARGET, Claim
from fleximodal.publishing.equivalence import Sample, compare
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import MEASURED, PUBLISHED
from fleximodal.publishing.published_table import Rule

DATASETS = {"mimic4": "MIMIC-IV", "mimic3": "MIMIC-III", "adni": "ADNI", None: ""}
PERCENT = 100
_FACTS = ("source", "protocol", "cases")


def unjudged(
    declaration: FigureDeclaration, numbers: pd.DataFrame, key: str, quantity: str, reason: str
) -> list[Claim]:
    """Return a claim per published value that nothing is held against.

    Parameters
    ----------
    declaration
        The figure.
    numbers
        Rows of a figure with the columns `origin`, `task`, `key` and `quantity`.
    key
        Column that tells the published values of a task apart.
    quantity
        Column of the values, measured and published in one unit.
    reason
        Why they are no target.
    """
    ours = numbers[numbers["origin"] == MEASURED].set_index(["task", key])
    found = []
    for row in numbers[numbers["origin"] == PUBLISHED].to_dict("records"):
        place = (row["task"], row[key])
        measured = ours.loc[[place]].iloc[0] if place in ours.index else None
        values: dict[str, Any] = {}
        if measured is not None and pd.notna(measured[quantity]):
            values = {
                "measured": float(measured[quantity]),
                "difference": float(measured[quantity]) - row[quantity],
                "n": int(measured["n_runs"]),
                **{name: measured[name] for name in _FACTS},
            }
        found.append(
            _claim(declaration, row, key, quantity, row[quantity], values, NO_TARGET + reason)
        )
    return found


def judged(
    declaration: FigureDeclaration,
    published: Mapping[tuple[str, str], Sequence[float]],
    ours: pd.DataFrame,
    rule: Rule,
    *,
    metric: str = "auroc",
) -> list[Claim]:
    """Return a claim per published value of a metric, held against the measured one.

    Parameters
    ----------
    declaration
        The figure.
    published
        (task, label) to the published values of single runs, in percent.
    ours
        One row per task and label: `{metric}_mean`, `_sd`, `_low`, `_high` in percent, `n_runs`,
        `data` and the fields of the cell.
    rule
        Margins and level.
    metric
        The metric, one that has a margin.
    """
    rows = ours.set_index(["task", "label"]) if len(ours) else ours
    margin = rule.margin[metric] * PERCENT
    found = []
    for (task, label), values in published.items():
        runs = pd.Series(values, dtype=float)
        theirs = Sample(float(runs.mean()), float(runs.std()) if len(runs) > 1 else None, len(runs))
        row = {"task": task, "label": label}
        measured = rows.loc[[(task, label)]].iloc[0] if (task, label) in rows.index else None
        facts: dict[str, Any] = {"published_sd": theirs.sd, "margin": margin}
        facts["published_n"] = theirs.n if len(runs) > 1 else None
        verdict = ABSENT
        if measured is not None and pd.notna(measured[f"{metric}_mean"]):
            numbers = {
                name: _number(measured[f"{metric}_{name}"]) for name in ("sd", "low", "high")
            }
            mean = float(measured[f"{metric}_mean"])
            compared = compare(
                theirs,
                Sample(mean, numbers["sd"], int(measured["n_runs"])),
                margin=margin,
                level=rule.level,
                interval=(numbers["low"], numbers["high"]),
            )
            facts |= {
                "measured": mean,
                **numbers,
                "n": int(measured["n_runs"]),
                **{name: measured[name] for name in _FACTS},
                "difference": compared.difference,
                "difference_low": compared.low,
                "difference_high": compared.high,
                "p": compared.p,
            }
            verdict = INCOMPARABLE.get(measured["data"], compared.verdict)
        found.append(_claim(declaration, row, "label", metric, theirs.mean, facts, verdict))
    return found


def _claim(
    declaration: FigureDeclaration,
    row: Mapping[Any, Any],
    key: str,
    metric: str,
    value: float,
    values: Mapping[str, Any],
    verdict: str,
) -> Claim:
    of_modality = key == "modality"
    return Claim(
        claim="-".join((declaration.name, row["task"], metric, row[key])),
        paper=declaration.paper,
        table=declaration.name,
        dataset=DATASETS[declaration.release],
        modalities=row[key] if of_modality else declaration.modalities or "",
        task=row["task"],
        metric=metric,
        method=next(iter(declaration.methods)) if of_modality else row[key],
        variant=declaration.variant,
        published_mean=value,
        data=declaration.data,
        verdict=verdict,
        **values,
    )


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
