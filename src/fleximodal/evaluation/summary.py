"""Mean, spread and interval of every metric over the runs of a cell."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fleximodal.evaluation.bootstrap import Replicates, interval_of
from fleximodal.evaluation.names import METRICS
from fleximodal.ranking import Floats

Entry = Mapping[str, Any]


def summarise(runs: Sequence[Entry], values: Replicates) -> dict[str, dict[str, Any]]:
    """Return the summary of each metric; with several labels or classes that of the whole.

    Parameters
    ----------
    runs
        One entry per run, see `fleximodal.evaluation.runs`.
    values
        Bootstrap values. A label or class that lacks the metric in a replicate is left out of that
        replicate's macro mean, and such absences are counted.
    """
    summary = {name: _summary(runs, name, values.whole[:, :, m]) for m, name in enumerate(METRICS)}
    if values.labels.shape[2] > 1:
        for m, name in enumerate(values.names):
            absent = int(np.isnan(values.labels[..., m]).sum())
            summary[name]["undefined_label_replicates"] = absent
    return summary


def summarise_labels(
    runs: Sequence[Entry], values: Replicates, names: Sequence[str]
) -> dict[str, Any]:
    """Return `labels`, the summary of each label's metrics, and the labels undefined in a run."""
    labels = {}
    for k, label in enumerate(names):
        own = [run["labels"][label] for run in runs]
        labels[label] = {
            "prevalence": float(np.mean([entry["prevalence"] for entry in own])),
            "undefined_runs": sum(label in run["undefined_labels"] for run in runs),
            "summary": {
                name: _summary(own, name, values.labels[:, :, k, m])
                for m, name in enumerate(values.names)
            },
        }
    undefined = [label for label in names if labels[label]["undefined_runs"]]
    return {"labels": labels, "undefined_labels": undefined}


def _summary(runs: Sequence[Entry], name: str, replicates: Floats) -> dict[str, Any]:
    """Return mean, sample standard deviation and interval of a metric; null if undefined.

    `replicates` (runs, R) are its bootstrap values.
    """
    values = [run["metrics"][name] for run in runs]
    if None in values:
        empty = dict.fromkeys(("mean", "sd", "low", "high"))
        why = next(run["undefined"][name] for run in runs if name in run["undefined"])
        return {**empty, "undefined_replicates": replicates.shape[1], "reason": why}
    interval = interval_of(replicates.mean(axis=0))
    return {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "low": interval.low,
        "high": interval.high,
        "undefined_replicates": interval.undefined,
    }
