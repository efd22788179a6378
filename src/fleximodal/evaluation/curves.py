"""Curves of a cell on fixed grids: ROC, precision-recall and reliability."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from fleximodal.evaluation.bootstrap import TestPart
from fleximodal.evaluation.calibration import BINS, equal_mass_bins, sum_by_bin
from fleximodal.evaluation.ranking import Floats, rank

GRID = np.linspace(0.0, 1.0, 101)


def roc_on_grid(run: TestPart) -> Floats:
    """Return the true positive rate at each false positive rate of GRID, (101,)."""
    false, true, _ = roc_curve(run.labels, run.scores)
    return np.interp(GRID, false, true)


def precision_on_grid(run: TestPart) -> Floats:
    """Return the precision at each recall of GRID, (101,).

    That of the highest threshold that reaches the recall, and for 0 of the highest that finds a
    positive; linear interpolation between points of the curve would be too optimistic (Davis and
    Goadrich 2006).
    """
    precision, recall, _ = precision_recall_curve(run.labels, run.scores)
    found = recall > 0
    precision, recall = precision[found][::-1], recall[found][::-1]
    # A recall of 0.3 read off the grid may be a bit above the 3/10 of the curve.
    return precision[np.searchsorted(recall, GRID - 1e-12)]


def reliability(runs: Sequence[TestPart]) -> dict[str, list[float]]:
    """Return mean score, observed fraction and number in ten equal-mass bins, runs pooled."""
    ranking = rank(
        np.concatenate([run.labels for run in runs]), np.concatenate([run.scores for run in runs])
    )
    bins = equal_mass_bins(ranking)
    number = sum_by_bin(bins, ranking.mass)[0]
    filled = number > 0
    score = sum_by_bin(bins, ranking.mass * ranking.scores)[0][filled] / number[filled]
    observed = sum_by_bin(bins, ranking.positive)[0][filled] / number[filled]
    return {
        "mean_score": score.tolist(),
        "observed_fraction": observed.tolist(),
        "n": number[filled].astype(int).tolist(),
    }


def curves_of(runs: Sequence[TestPart]) -> dict[str, Any]:
    """Return the three curves; ROC and precision-recall are means over runs on GRID."""
    grid = GRID.tolist()
    return {
        "roc": {
            "false_positive_rate": grid,
            "true_positive_rate": np.mean([roc_on_grid(run) for run in runs], axis=0).tolist(),
        },
        "precision_recall": {
            "recall": grid,
            "precision": np.mean([precision_on_grid(run) for run in runs], axis=0).tolist(),
        },
        "reliability": {"bins": BINS, **reliability(runs)},
    }
