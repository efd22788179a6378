"""Scores in ascending order with the mass of positives and negatives at each of them.

All metrics of a part depend on its stays only through this. One row per set of weights makes a
metric of a thousand bootstrap replicates a handful of array operations after a single sort. Sums
avoid the linear-algebra library on purpose: its rounding depends on the number of threads. Every
floor measures with this module; scikit-learn, which takes seconds to import, is the reference of
the tests.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def rank(labels: ArrayLike, scores: ArrayLike, weights: Floats | None = None) -> Ranking:
    """Sort the stays of one run by score and join those with equal scores.

    Parameters
    ----------
    labels
        (n,) 0 or 1, or the probability of 1.
    scores
        (n,) probabilities of label 1.
    weights
        (R, n) non-negative weights of the stays; all one (R = 1) if left out.
    """
    known = np.asarray(scores, dtype=np.float64)
    rows = np.ones((1, known.size)) if weights is None else weights
    order = np.argsort(known, kind="stable")
    distinct, starts = np.unique(known[order], return_index=True)
    # take, as indexing would leave the rows in an order of memory that rounds sums differently.
    ordered = np.take(rows, order, axis=1)
    label = np.asarray(labels, dtype=np.float64)[order]
    positive, negative = ordered * label, ordered * (1 - label)
    if distinct.size < known.size:
        positive, negative = (np.add.reduceat(m, starts, axis=1) for m in (positive, negative))
    return Ranking(distinct, positive, negative)


def both_classes(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell for each label, (K,), whether the stays have both values; labels (n,) or (n, K)."""
    columns = labels[:, None] if labels.ndim == 1 else labels
    return (columns == 0).any(axis=0) & (columns == 1).any(axis=0)


def divide(numerator: Floats, denominator: Floats, otherwise: float = np.nan) -> Floats:
    """Return the quotient, `otherwise` where the denominator is zero."""
    result = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise)
    return np.divide(numerator, denominator, out=result, where=denominator != 0)


def mean_of_known(values: Floats, axis: int) -> Floats:
    """Return the mean of the entries that are not NaN; NaN where all are."""
    known = ~np.isnan(values)
    return divide(np.where(known, values, 0.0).sum(axis), known.sum(axis).astype(np.float64))


def auroc(ranking: Ranking, oneself: float = 0.0) -> Floats:
    """Return the area under the ROC curve, ties counted half, (R,); NaN where there are no pairs.

    `oneself` is the mass of the pairs of a stay with itself, which are left out: zero unless
    labels are probabilities. With probabilities the result is the expected numerator over the
    expected denominator.
    """
    below = np.cumsum(ranking.negative, axis=1) - ranking.negative
    won = (ranking.positive * (below + ranking.negative / 2)).sum(axis=1) - oneself / 2
    return divide(won, ranking.positive.sum(axis=1) * ranking.negative.sum(axis=1) - oneself)


def auroc_hard(ranking: Ranking, threshold: float) -> Floats:
    """Return the AUROC of the 0/1 predictions at `threshold`, (R,); NaN where a class is absent.

    The mean of sensitivity and specificity.
    """
    flagged = ranking.scores >= threshold
    hits = divide(ranking.positive[:, flagged].sum(axis=1), ranking.positive.sum(axis=1))
    spared = divide(ranking.negative[:, ~flagged].sum(axis=1), ranking.negative.sum(axis=1))
    return (hits + spared) / 2


def auprc(ranking: Ranking) -> Floats:
    """Return the average precision, (R,); NaN where there are no positives.

    No interpolation between points of the curve.
    """
    hits = np.cumsum(ranking.positive[:, ::-1], axis=1)
    flagged = np.cumsum(ranking.mass[:, ::-1], axis=1)
    precision = divide(hits, flagged, otherwise=0.0)
    return divide((ranking.positive[:, ::-1] * precision).sum(axis=1), hits[:, -1])


def f1(ranking: Ranking, threshold: float) -> Floats:
    """Return F1 of the positive class, predicted where score >= `threshold`, (R,).

    0 where nothing is right.
    """
    flagged = ranking.scores >= threshold
    hits = ranking.positive[:, flagged].sum(axis=1)
    errors = ranking.negative[:, flagged].sum(axis=1) + ranking.positive[:, ~flagged].sum(axis=1)
    return divide(2 * hits, 2 * hits + errors, otherwise=0.0)


def accuracy(ranking: Ranking, threshold: float) -> Floats:
    """Return the fraction of right 0/1 predictions at `threshold`, (R,)."""
    flagged = ranking.scores >= threshold
    right = ranking.positive[:, flagged].sum(axis=1) + ranking.negative[:, ~flagged].sum(axis=1)
    return divide(right, ranking.mass.sum(axis=1))


def macro_f1(ranking: Ranking, threshold: float) -> Floats:
    """Return the mean of the F1 of class 1 and that of class 0 at `threshold`, (R,)."""
    flagged = ranking.scores >= threshold
    spared = ranking.negative[:, ~flagged].sum(axis=1)
    errors = ranking.negative[:, flagged].sum(axis=1) + ranking.positive[:, ~flagged].sum(axis=1)
    of_zero = divide(2 * spared, 2 * spared + errors, otherwise=0.0)
    return (f1(ranking, threshold) + of_zero) / 2


def brier(ranking: Ranking) -> Floats:
    """Return the mean squared distance between score and label, (R,)."""
    squares = ranking.positive * (1 - ranking.scores) ** 2 + ranking.negative * ranking.scores**2
    return divide(squares.sum(axis=1), ranking.mass.sum(axis=1))
