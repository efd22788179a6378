"""Choice of XGBoost settings by cross-validation (Soenksen et al. 2022).

Every setting of the grid is scored on every fold, but bins are made once per fold, and a run with
fewer trees is read off the longer run with the same depth and rate: trees are grown one after
another, so both give the same bits as a search that fits each setting by itself.
"""

import logging
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import xgboost
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold


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


def booster_settings(point: GridPoint, *, positive_weight: float, seed: int) -> dict[str, Any]:
    """Return XGBoost's parameters for a binary task; the number of trees is given apart."""
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": point.max_depth,
        "learning_rate": point.learning_rate,
        "scale_pos_weight": positive_weight,
        "seed": seed,
    }


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    points: tuple[GridPoint, ...],
    *,
    folds: int,
    positive_weight: float,
    seed: int,
    log: logging.Logger,
) -> np.ndarray:
    """Return the AUROC of every setting on every held-out fold.

    Parameters
    ----------
    features, labels
        (n, columns) and (n,) of the training part.
    points
        The settings to score.
    folds
        Number of stratified, shuffled folds.
    positive_weight
        Weight of a positive against a negative row.
    seed
        Seed of the shuffle.

    Returns
    -------
    numpy.ndarray
        (points, folds) float64.
    """
    longest: dict[tuple[int, float], GridPoint] = {}
    for point in sorted(points, key=lambda point: point.n_estimators):
        longest[point.max_depth, point.learning_rate] = point
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    auroc = np.empty((len(points), folds))
    for fold, (fitted, held_out) in enumerate(splitter.split(features, labels)):
        bins = xgboost.QuantileDMatrix(features[fitted], labels[fitted])
        test = xgboost.DMatrix(features[held_out])
        for key, long in longest.items():
            settings = booster_settings(long, positive_weight=positive_weight, seed=seed)
            booster = xgboost.train(settings, bins, num_boost_round=long.n_estimators)
            for row, point in enumerate(points):
                if (point.max_depth, point.learning_rate) == key:
                    scores = booster.predict(test, iteration_range=(0, point.n_estimators))
                    auroc[row, fold] = roc_auc_score(labels[held_out], scores)
                    log.info(
                        "fold %d of %d, %s: AUROC %.4f", fold + 1, folds, asdict(point),
                        auroc[row, fold],
                    )  # fmt: skip
    return auroc
