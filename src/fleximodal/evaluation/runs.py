"""What one run reaches on its test part: every metric, as a whole and of each label or class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from fleximodal.class_ranking import rank_classes
from fleximodal.evaluation.metrics import FIXED, best_f1_threshold, class_columns, measure
from fleximodal.evaluation.names import CLASS_METRICS, METRICS
from fleximodal.evaluation.part import TestPart
from fleximodal.evaluation.predictions import is_multiclass, prevalence_of, values_of
from fleximodal.ranking import Floats, both_classes

ONE_CLASS = "the test part has one class only"
TWO_CLASSES = "defined for two classes"
NO_STAY = "no stay of the test part has this class"


def test_part(val: pl.DataFrame, test: pl.DataFrame) -> TestPart:
    """Return the test part of a run, with thresholds of `f1_tuned` from its validation part.

    A label with one class in the validation part has none to be tuned; its threshold is 0.5.
    Several classes have no threshold.
    """
    labels, scores = values_of(val, "label"), values_of(val, "score")
    threshold: float | np.ndarray
    if is_multiclass(val):
        threshold = np.nan
    elif labels.ndim == 1:
        threshold = best_f1_threshold(labels, scores)
    else:
        threshold = np.array(
            [
                best_f1_threshold(labels[:, k], scores[:, k]) if both else FIXED
                for k, both in enumerate(both_classes(labels))
            ]
        )
    return TestPart(
        patient_id=test["patient_id"].to_numpy(),
        labels=values_of(test, "label"),
        scores=values_of(test, "score"),
        threshold=threshold,
    )


def run_entry(
    split: str, seed: int, val: pl.DataFrame, test: pl.DataFrame, names: Sequence[str] | None
) -> tuple[TestPart, dict[str, Any]]:
    """Return the test part of a run and its entry in metrics.json.

    Parameters
    ----------
    split, seed
        Which run it is.
    val, test
        Its stored predictions.
    names
        Names of the labels or classes; None for a task with one label of two classes.
    """
    part = test_part(val, test)
    entry: dict[str, Any] = {
        "split": split,
        "seed": seed,
        "threshold": part.threshold if names is None else None,
        "n_stays": len(test),
        "n_patients": test["patient_id"].n_unique(),
        "prevalence": prevalence_of(test),
    }
    if names is not None and part.has_classes:
        return part, {**entry, **_entry_of_classes(part, names)}
    measured = {
        k: measure(labels, scores, threshold) for k, labels, scores, threshold in part.columns()
    }
    if names is None:
        values, reasons = measured[0]
        return part, {**entry, "metrics": values, "undefined": reasons}
    labels = {
        name: {
            "threshold": float(threshold),
            "prevalence": float(prevalence),
            **_label_entry(measured.get(k)),
        }
        for k, (name, threshold, prevalence) in enumerate(
            zip(names, np.asarray(part.threshold), part.labels.mean(axis=0), strict=True)
        )
    }
    val_labels = both_classes(values_of(val, "label"))
    return part, {
        **entry,
        **_macro([label["metrics"] for label in labels.values()]),
        "undefined_labels": [name for k, name in enumerate(names) if k not in measured],
        "untuned_labels": [name for name, both in zip(names, val_labels, strict=True) if not both],
        "labels": labels,
    }


def _entry_of_classes(part: TestPart, names: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of several classes and of each one against the rest."""
    whole, classes = class_columns(rank_classes(part.labels, part.scores))
    metrics = _known(METRICS, whole[0])
    prevalences = part.indicators().mean(axis=0).tolist()
    labels = {}
    for name, row, prevalence in zip(names, classes[0], prevalences, strict=True):
        values = _known(CLASS_METRICS, row)
        undefined = {metric: NO_STAY for metric, value in values.items() if value is None}
        labels[name] = {"prevalence": prevalence, "metrics": values, "undefined": undefined}
    absent = np.isnan(classes[0]).sum(axis=0).tolist()
    return {
        "metrics": metrics,
        "undefined": {name: TWO_CLASSES for name, value in metrics.items() if value is None},
        "labels_left_out": {m: n for m, n in zip(CLASS_METRICS, absent, strict=True) if n},
        "undefined_labels": [name for name in names if labels[name]["undefined"]],
        "labels": labels,
    }


def _known(names: Sequence[str], values: Floats) -> dict[str, float | None]:
    return {n: None if np.isnan(v) else float(v) for n, v in zip(names, values, strict=True)}


def _label_entry(
    measured: tuple[dict[str, float | None], dict[str, str]] | None,
) -> dict[str, Any]:
    """Return metrics and reasons of a label; none exists where a class is absent."""
    if measured is None:
        return {"metrics": dict.fromkeys(METRICS), "undefined": dict.fromkeys(METRICS, ONE_CLASS)}
    return {"metrics": measured[0], "undefined": measured[1]}


def _macro(labels: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Return the means over the labels that have a metric, and how many lack it."""
    metrics: dict[str, float | None] = {}
    undefined, left_out = {}, {}
    for name in METRICS:
        known = [value for label in labels if (value := label[name]) is not None]
        metrics[name] = float(np.mean(known)) if known else None
        if not known:
            undefined[name] = "no label has it"
        if len(known) < len(labels):
            left_out[name] = len(labels) - len(known)
    return {"metrics": metrics, "undefined": undefined, "labels_left_out": left_out}
