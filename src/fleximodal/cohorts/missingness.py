"""How much of the label is told by which modalities exist, before any value is read."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from fleximodal.cohorts.counting import flags_of, labels_of, several_of


def missingness_only(cohort: pl.DataFrame, splits: pl.DataFrame) -> dict[str, Any]:
    """Fit a logistic regression on the `has_{modality}` flags of train and score test.

    A baseline to read other results by, not a gate: an AUROC well above 0.5 says that the pattern
    of missing modalities carries the outcome.

    Parameters
    ----------
    cohort
        stay_id, label (one, K, or one of several classes) and the boolean flags.
    splits
        split, stay_id, part.

    Returns
    -------
    dict
        Per non-empty set of modalities, `+`-joined in their order, and per split: `auroc` on test
        (the mean over labels that have both classes in train and test, None without such a label;
        of several classes over each against the rest), `n_train`, `n_test`, and with several
        labels or classes `undefined`, the number of those left out.
    """
    names = flags_of(cohort)
    several = several_of(cohort)
    report: dict[str, Any] = {}
    for (split,), rows in splits.sort("split", "stay_id").group_by("split", maintain_order=True):
        members = rows.join(cohort, on="stay_id", maintain_order="left")
        train, test = (members.filter(part=part) for part in ("train", "test"))
        for size in range(1, len(names) + 1):
            for some in combinations(names, size):
                scores = _scores(train, test, some)
                entry: dict[str, Any] = {
                    "auroc": float(np.mean(scores)) if scores else None,
                    "n_train": train.height,
                    "n_test": test.height,
                }
                if several:
                    entry["undefined"] = labels_of(test).shape[1] - len(scores)
                report.setdefault("+".join(some), {})[str(split)] = entry
    return report


def _scores(train: pl.DataFrame, test: pl.DataFrame, names: Sequence[str]) -> list[float]:
    """Return the AUROC of each label that has both classes in train and test."""
    patterns, of_train, of_test = _patterns(train, test, names)
    scores = []
    for known, wanted in zip(labels_of(train).T, labels_of(test).T, strict=True):
        if len(np.unique(known)) == 2 and len(np.unique(wanted)) == 2:
            decision = _decision(patterns, of_train, known)
            scores.append(float(roc_auc_score(wanted, decision[of_test])))
    return scores


def _patterns(
    train: pl.DataFrame, test: pl.DataFrame, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct patterns of flags, and which one each row of train and test has."""
    flags = [f"has_{name}" for name in names]
    both = np.concatenate([train.select(flags).to_numpy(), test.select(flags).to_numpy()])
    patterns, which = np.unique(both.astype(np.float64), axis=0, return_inverse=True)
    which = which.reshape(-1)
    return patterns, which[: train.height], which[train.height :]


def _decision(patterns: np.ndarray, of_train: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return the decision per pattern; the fit is on counts, as on the rows one by one."""
    counts = np.zeros((len(patterns), 2))
    np.add.at(counts, (of_train, label), 1)
    rows = np.concatenate([patterns, patterns])
    classes = np.repeat([0, 1], len(patterns))
    weight = counts.T.reshape(-1)
    model = LogisticRegression().fit(rows[weight > 0], classes[weight > 0], weight[weight > 0])
    decision: np.ndarray = model.decision_function(patterns)
    return decision
