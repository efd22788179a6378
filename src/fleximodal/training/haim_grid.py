"""Choice of XGBoost settings by cross-validation (Soenksen et al. 2022).

Every setting of the grid is scored on every fold, but bins are made once per fold and thread, and
a run with fewer trees is read off the longer run with the same depth and rate: trees are grown one
after another, so both give the same bits as a search that fits each setting by itself. Several
boosters grow at once, each on one thread: threads that share a tree spend much of their time
waiting for each other. Several labels share bins and draws of folds; each has trees of its own, as
has each of several classes, whose scores are joined by a softmax.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from itertools import product
from typing import Any

import numpy as np
import xgboost
from sklearn.model_selection import KFold, StratifiedKFold

from fleximodal.class_ranking import one_hot
from fleximodal.ranking import auroc, both_classes, mean_of_known, rank


@dataclass(frozen=True)
class GridPoint:
    """One setting of the trees."""

    max_depth: int
    n_estimators: int
    learning_rate: float


def _grid(depths: tuple[int, ...], trees: tuple[int, ...], rates: tuple[float, ...]) -> Any:
    return tuple(GridPoint(*point) for point in product(depths, trees, rates))


# "off" holds the library's defaults, which need no choice.
GRIDS: dict[str, tuple[GridPoint, ...]] = {
    "full": _grid((5, 6, 7, 8), (200, 300), (0.3, 0.1, 0.05)),
    "small": _grid((5, 7), (200, 300), (0.1,)),
    "off": _grid((6,), (100,), (0.3,)),
}


@dataclass(frozen=True)
class Balance:
    """How stays are weighted by their class.

    Attributes
    ----------
    classes
        Classes of a label.
    positive
        Weight of a stay of class 1 against one of class 0, of two classes; None for all the same.
    each
        (C,) weights of stays by class, of more; None for all the same.
    """

    classes: int = 2
    positive: float | None = None
    each: np.ndarray | None = None

    def weights(self, labels: np.ndarray) -> np.ndarray | None:
        """Return the weight of each stay, (n,), where it is not XGBoost's own matter."""
        return None if self.each is None else self.each[labels]


def balance_of(labels: np.ndarray, classes: int) -> Balance:
    """Return weights that give each class of one label the same mass; of several labels none."""
    if labels.ndim > 1:
        return Balance()
    count = np.bincount(labels, minlength=classes)
    if classes == 2:
        return Balance(positive=float(count[0] / count[1]))
    return Balance(classes, each=len(labels) / (classes * count))


def booster_settings(
    point: GridPoint, *, balance: Balance, max_bins: int, seed: int, threads: int
) -> dict[str, Any]:
    """Return XGBoost's parameters; the number of trees is given apart.

    With labels (n, K) each label has trees of its own, the same as if it were the only one.
    """
    settings = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": point.max_depth,
        "learning_rate": point.learning_rate,
        "max_bin": max_bins,
        "seed": seed,
        "nthread": threads,
    }
    if balance.classes > 2:
        return settings | {"objective": "multi:softprob", "num_class": balance.classes}
    return (
        settings if balance.positive is None else settings | {"scale_pos_weight": balance.positive}
    )


def folds_of(labels: np.ndarray, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return fitted and held-out rows of shuffled folds, stratified if there is one label."""
    splitter = StratifiedKFold if labels.ndim == 1 else KFold
    return list(splitter(folds, shuffle=True, random_state=seed).split(labels, labels))


def macro_auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean AUROC over the labels with both classes; NaN if there is none.

    Of one label (n,) and scores (n, C) over each class against the rest.
    """
    if labels.ndim < scores.ndim:
        labels = one_hot(labels, scores.shape[1])
    columns = zip(labels.reshape(len(labels), -1).T, scores.reshape(len(labels), -1).T, strict=True)
    each = np.array([auroc(rank(label, score))[0] for label, score in columns])
    return float(mean_of_known(each, axis=0))


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    points: tuple[GridPoint, ...],
    *,
    folds: int,
    balance: Balance,
    max_bins: int,
    seed: int,
    threads: int,
    log: logging.Logger,
) -> np.ndarray:
    """Return the AUROC of every setting on every held-out fold.

    Parameters
    ----------
    features, labels
        (n, columns) and (n,) or (n, K) of the training part.
    points
        The settings to score.
    folds
        Number of shuffled folds, stratified by the label if there is only one.
    balance
        How stays are weighted by class.
    max_bins
        Bins per column.
    seed
        Seed of the shuffle and of the trees.
    threads
        Boosters that grow at once; the result does not depend on it.

    Returns
    -------
    numpy.ndarray
        (points, folds) float64. With several labels the macro mean over those of which the fold
        has both classes; NaN if it has no such label. With several classes the mean over each
        against the rest.
    """
    parts = folds_of(labels, folds, seed)
    longest: dict[tuple[int, float], GridPoint] = {}
    for point in sorted(points, key=lambda point: point.n_estimators):
        longest[point.max_depth, point.learning_rate] = point
    # Deep trees first, so that at the end no thread is left with a long run.
    keys = sorted(longest, reverse=True)
    kept = threading.local()

    def bins_of(fold: int) -> tuple[xgboost.QuantileDMatrix, xgboost.DMatrix]:
        """Return what this thread trains and tests on; kept until it turns to another fold."""
        if getattr(kept, "fold", None) != fold:
            fitted, held_out = parts[fold]
            kept.bins = xgboost.QuantileDMatrix(
                features[fitted],
                labels[fitted],
                weight=balance.weights(labels[fitted]),
                max_bin=max_bins,
                nthread=1,
            )
            kept.test = xgboost.DMatrix(features[held_out], nthread=1)
            kept.fold = fold
        return kept.bins, kept.test

    def grow(job: tuple[int, tuple[int, float]]) -> list[tuple[int, int, float]]:
        """Grow the longest run of a depth and rate on a fold; score all settings it holds."""
        fold, key = job
        bins, test = bins_of(fold)
        settings = booster_settings(
            longest[key],
            balance=balance,
            max_bins=max_bins,
            seed=seed,
            threads=1,
        )
        booster = xgboost.train(settings, bins, num_boost_round=longest[key].n_estimators)
        truth = labels[parts[fold][1]]
        return [
            (row, fold, macro_auroc(truth, booster.predict(test, iteration_range=(0, trees))))
            for row, (depth, trees, rate) in enumerate(map(astuple, points))
            if (depth, rate) == key
        ]

    result = np.full((len(points), folds), np.nan)
    with ThreadPoolExecutor(threads) as pool:
        for scored in pool.map(grow, product(range(folds), keys)):
            for row, fold, value in scored:
                result[row, fold] = value
                tried = asdict(points[row])
                log.info("fold %d of %d, %s: AUROC %.4f", fold + 1, folds, tried, value)
    return result


def undefined_in_folds(labels: np.ndarray, folds: int, seed: int) -> int:
    """Return how often a label has one class only in a held-out fold of `cross_validate`."""
    parts = folds_of(labels, folds, seed)
    return sum(int((~both_classes(labels[held_out])).sum()) for _, held_out in parts)
