"""Scores in ascending order with the mass of positives and negatives at each of them.

All metrics of a part depend on its stays only through this. One row per set of weights makes a
metric of a thousand bootstrap replicates a handful of array operations after a single sort. Sums
avoid the linear-algebra library on purpose: its rounding depends on the number of threads.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """G distinct scores and, for each of R sets of weights, the mass of each class at them.

    Attributes
    ----------
    scores
        (G,) ascending probabilities, no two alike.
    positive, negative
        (R, G) summed weights of the stays of label 1 and of label 0 with that score.
    """

    scores: Floats
    positive: Floats
    negative: Floats

    @property
    def mass(self) -> Floats:
        """(R, G) summed weights of all stays at each score."""
        return self.positive + self.negative


def rank(labels: NDArray[np.integer], scores: Floats, weights: Floats | None = None) -> Ranking:
    """Sort the stays of one run by score and join those with equal scores.

    Parameters
    ----------
    labels
        (n,) 0 or 1.
    scores
        (n,) probabilities of label 1.
    weights
        (R, n) non-negative weights of the stays; all one (R = 1) if left out.
    """
    scores = np.asarray(scores, dtype=np.float64)
    rows = np.ones((1, scores.size)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    distinct, starts = np.unique(scores[order], return_index=True)
    ordered, is_positive = rows[:, order], np.asarray(labels)[order] == 1
    return Ranking(
        distinct,
        np.add.reduceat(ordered * is_positive, starts, axis=1),
        np.add.reduceat(ordered * ~is_positive, starts, axis=1),
    )


def divide(numerator: Floats, denominator: Floats, otherwise: float = np.nan) -> Floats:
    """Return the quotient, `otherwise` where the denominator is zero."""
    result = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise)
    return np.divide(numerator, denominator, out=result, where=denominator != 0)


def auroc(ranking: Ranking) -> Floats:
    """Return the area under the ROC curve, (R,); NaN where a class has no mass."""
    below = np.cumsum(ranking.negative, axis=1) - ranking.negative
    won = (ranking.positive * (below + ranking.negative / 2)).sum(axis=1)
    return divide(won, ranking.positive.sum(axis=1) * ranking.negative.sum(axis=1))


def auprc(ranking: Ranking) -> Floats:
    """Return the average precision, (R,); NaN where there are no positives."""
    hits = np.cumsum(ranking.positive[:, ::-1], axis=1)
    flagged = np.cumsum(ranking.mass[:, ::-1], axis=1)
    precision = divide(hits, flagged, otherwise=0.0)
    return divide((ranking.positive[:, ::-1] * precision).sum(axis=1), hits[:, -1])


def f1(ranking: Ranking, threshold: float) -> Floats:
    """Return F1 of the positive class at `threshold`, (R,); 0 where nothing is right."""
    flagged = ranking.scores >= threshold
    hits = ranking.positive[:, flagged].sum(axis=1)
    errors = ranking.negative[:, flagged].sum(axis=1) + ranking.positive[:, ~flagged].sum(axis=1)
    return divide(2 * hits, 2 * hits + errors, otherwise=0.0)


def brier(ranking: Ranking) -> Floats:
    """Return the mean squared distance between score and label, (R,)."""
    squares = ranking.positive * (1 - ranking.scores) ** 2 + ranking.negative * ranking.scores**2
    return divide(squares.sum(axis=1), ranking.mass.sum(axis=1))
