"""Curves of a cell on fixed grids: ROC, precision-recall and reliability.

With several labels ROC and precision-recall are macro curves: the mean over the labels of the
height of each label's curve (labels with one class in a test part left out), as the metrics are
macro means. The reliability diagram pools labels, as it pools runs. Several classes are as many
labels, each class against the rest.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fleximodal.evaluation.calibration import BINS, equal_mass_bins, sum_by_bin
from fleximodal.evaluation.part import TestPart
from fleximodal.ranking import Floats, Ranking, rank

GRID = np.linspace(0.0, 1.0, 101)


def roc_on_grid(ranking: Ranking) -> Floats:
    """Return the true positive rate at each false positive rate of GRID, (101,)."""
    true = np.cumsum(np.append(0.0, ranking.positive[0, ::-1]))
    false = np.cumsum(np.append(0.0, ranking.negative[0, ::-1]))
    return np.interp(GRID, false / false[-1], true / true[-1])


def precision_on_grid(ranking: Ranking) -> Floats:
    """Return the precision at each recall of GRID, (101,).

    That of the highest threshold that reaches the recall, and for 0 of the highest that finds a
    positive; linear interpolation between points of the curve would be too optimistic (Davis and
    Goadrich 2006).
    """
    true = np.cumsum(ranking.positive[0, ::-1])
    flagged = np.cumsum(ranking.mass[0, ::-1])
    found = true > 0
    precision, recall = (true / flagged)[found], true[found] / true[-1]
    # A recall of 0.3 read off the grid may be a bit above the 3/10 of the curve.
    return precision[np.searchsorted(recall, GRID - 1e-12)]


def reliability(runs: Sequence[TestPart]) -> dict[str, list[float]]:
    """Return mean score, observed fraction and number in ten equal-mass bins, runs pooled."""
    ranking = rank(
        np.concatenate([run.indicators().ravel() for run in runs]),
        np.concatenate([run.scores.ravel() for run in runs]),
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
            "true_positive_rate": _mean_curve(runs, roc_on_grid),
        },
        "precision_recall": {
            "recall": grid,
            "precision": _mean_curve(runs, precision_on_grid),
        },
        "reliability": {"bins": BINS, **reliability(runs)},
    }


def _mean_curve(runs: Sequence[TestPart], curve: Callable[[Ranking], Floats]) -> list[float]:
    per_run = [
        np.mean([curve(rank(labels, scores)) for _, labels, scores, _ in run.columns()], axis=0)
        for run in runs
    ]
    means: list[float] = np.mean(per_run, axis=0).tolist()
    return means
