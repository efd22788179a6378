"""Predictions of several classes, one class against the rest and by the most probable class.

What `fleximodal.ranking` is for two classes: metrics of C > 2 classes for any number of weightings
at once. Of equal probabilities the first class is the predicted one. F1 counts all C classes, 0 for
a class without a right prediction, also where it occurs neither in truth nor in prediction; then
the mean is of the same classes in every part and in every bootstrap replicate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fleximodal import ranking as weighted
from fleximodal.ranking import Floats, Ranking, divide, mean_of_known, rank


@dataclass(frozen=True)
class ClassRanking:
    """The stays of one run, for each of R sets of weights.

    Attributes
    ----------
    classes
        C rankings, each class (positive) against the rest by its own probability.
    confusion
        (R, C, C) summed weights by true class and most probable class.
    square
        (R,) summed weights times the squared distance between the C probabilities and the label.
    """

    classes: tuple[Ranking, ...]
    confusion: Floats
    square: Floats


def one_hot(labels: ArrayLike, count: int) -> NDArray[np.int8]:
    """Return labels 0 to `count` - 1, (n,), as one column of 0 and 1 per class, (n, count)."""
    return (np.asarray(labels)[:, None] == np.arange(count)).astype(np.int8)


def rank_classes(labels: ArrayLike, scores: Floats, weights: Floats | None = None) -> ClassRanking:
    """Gather all that the metrics of several classes depend on.

    Parameters
    ----------
    labels
        (n,) classes, 0 to C - 1.
    scores
        (n, C) probabilities.
    weights
        (R, n) non-negative weights of the stays; all one (R = 1) if left out.
    """
    count = scores.shape[1]
    truth = np.asarray(labels)
    rows = np.ones((1, truth.size)) if weights is None else weights
    columns = one_hot(truth, count)
    cell = count * truth.astype(np.int64) + scores.argmax(axis=1)
    confusion = np.stack([rows[:, cell == k].sum(axis=1) for k in range(count**2)], axis=1)
    squares = ((scores - columns) ** 2).sum(axis=1)
    return ClassRanking(
        classes=tuple(rank(columns[:, k], scores[:, k], rows) for k in range(count)),
        confusion=confusion.reshape(-1, count, count),
        # einsum without its optimisation sums in plain loops, whatever the number of threads.
        square=np.einsum("rn,n->r", rows, squares),
    )


def class_auroc(ranking: ClassRanking) -> Floats:
    """Return the AUROC of each class against the rest, (R, C); NaN for a class without pairs."""
    return np.stack([weighted.auroc(one) for one in ranking.classes], axis=1)


def class_auprc(ranking: ClassRanking) -> Floats:
    """Return the average precision of each class, (R, C); NaN for a class without mass."""
    return np.stack([weighted.auprc(one) for one in ranking.classes], axis=1)


def class_f1(ranking: ClassRanking) -> Floats:
    """Return the F1 of each class, (R, C), predicted where it is the most probable one."""
    hits = np.einsum("rcc->rc", ranking.confusion)
    told = ranking.confusion.sum(axis=2) + ranking.confusion.sum(axis=1)
    return divide(2 * hits, told, otherwise=0.0)


def auroc(ranking: ClassRanking) -> Floats:
    """Return the mean over classes of the AUROC against the rest, (R,).

    Over the classes that have one: a class without mass is left out.
    """
    return mean_of_known(class_auroc(ranking), axis=1)


def auprc(ranking: ClassRanking) -> Floats:
    """Return the mean over classes of the average precision, (R,), classes as for `auroc`."""
    return mean_of_known(class_auprc(ranking), axis=1)


def macro_f1(ranking: ClassRanking) -> Floats:
    """Return the mean F1 over all C classes, (R,)."""
    return class_f1(ranking).mean(axis=1)


def accuracy(ranking: ClassRanking) -> Floats:
    """Return the fraction of stays whose class is the most probable one, (R,)."""
    right = np.einsum("rcc->r", ranking.confusion)
    return divide(right, ranking.confusion.sum(axis=(1, 2)))


def brier(ranking: ClassRanking) -> Floats:
    """Return half the mean squared distance between probabilities and label, (R,).

    Half of Brier's sum over classes (1950): between 0 and 1, and of two classes the same as
    `fleximodal.ranking.brier`.
    """
    return divide(ranking.square, ranking.confusion.sum(axis=(1, 2))) / 2
