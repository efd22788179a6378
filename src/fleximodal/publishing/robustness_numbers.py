"""Trained models under missing data: one row per method and condition."""

from typing import Any

import pandas as pd

from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import FigureInputs

METRICS = ("auroc", "f1")
STATISTICS = ("mean", "sd", "low", "high")
COUNTS = ("n_runs", "n_stays", "n_patients", "prevalence")
COLUMNS = [
    *("table", "data", "source", "task", "protocol", "cases", "modalities", "method", "variant"),
    *COUNTS,
    *("bootstrap_replicates", "condition", "kind", "subset", "percent"),
    *(f"{metric}_{statistic}" for metric in METRICS for statistic in STATISTICS),
    *(f"{metric}_loss_{end}" for metric in METRICS for end in ("mean", "low", "high")),
]


def robustness_numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return metrics (fractions) of each method under each condition, and the loss to intact data.

    `kind` intact stands for the whole set of modalities and for a drop rate of 0 %. Of several
    classes F1 is the macro F1, and `prevalence` is missing.
    """
    rows: list[dict[str, Any]] = []
    for entry in declaration.entries():
        found = inputs.of_whole(entry.cell)
        if found is None:
            continue
        head = {
            "table": declaration.name,
            "data": found["data"],
            **found["cell"],
            "method": entry.label,
            **{name: found[name] for name in COUNTS},
            "bootstrap_replicates": inputs.whole["bootstrap"]["replicates"],
        }
        for condition in found["conditions"]:
            facts = ("condition", "kind", "subset", "percent")
            row = head | {name: condition[name] for name in facts}
            for metric in METRICS:
                summary, loss = condition["metrics"][metric], condition["loss"][metric]
                row |= {f"{metric}_{name}": summary[name] for name in STATISTICS}
                row |= {f"{metric}_loss_{name}": loss[name] for name in ("mean", "low", "high")}
            rows.append(row)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    floats = [name for name in COLUMNS if name.startswith(METRICS)]
    return frame.astype(dict.fromkeys([*floats, "prevalence"], float))
