"""The trainer of HAIM: tabular features, gradient-boosted trees (Soenksen et al. 2022)."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xgboost

from fleximodal.config.schema import Training
from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.haim_features import haim_features
from fleximodal.training.haim_grid import GRIDS, GridPoint, booster_settings, cross_validate
from fleximodal.training.member import Fitted, Member
from fleximodal.training.objective import check_classes


def fit_haim(
    member: Member,
    settings: HAIMSettings,
    training: Training,
    *,
    state: Path,
    log: logging.Logger,
) -> Fitted:
    """Choose the trees' settings by cross-validation, refit on all training stays, score the rest.

    The validation part plays no role in the choice; it is scored like the test part. The epochs
    and rates of `training` do not apply to trees, and a run is short enough to keep no state.

    Raises
    ------
    FleximodalError
        If the training part has fewer stays of a class than there are folds.
    """
    check_classes(member)
    columns = haim_features(member.dataset, member.scaler, max_rows=settings.max_rows)
    rows = {part: columns[positions] for part, positions in member.parts.items()}
    mean, std = rows["train"].mean(axis=0), rows["train"].std(axis=0)
    std[std == 0] = 1
    rows = {part: ((row - mean) / std).astype(np.float32) for part, row in rows.items()}
    labels = member.dataset.label[member.parts["train"]]
    positive = int(labels.sum())
    weight = (len(labels) - positive) / positive

    points = GRIDS[settings.grid]
    history: list[dict[str, Any]] = [asdict(point) for point in points]
    best = 0
    if len(points) > 1:
        _check_folds(member, min(positive, len(labels) - positive), settings.folds)
        auroc = cross_validate(
            rows["train"],
            labels,
            points,
            folds=settings.folds,
            positive_weight=weight,
            seed=settings.seed,
            log=log,
        )
        best = int(auroc.mean(axis=1).argmax())
        for row, scores in zip(history, auroc, strict=True):
            row["cv_auroc"] = float(scores.mean())
            row["cv_auroc_sd"] = float(scores.std(ddof=1))
    history = [{"point": i, **row, "selected": i == best} for i, row in enumerate(history)]

    booster = _refit(rows["train"], labels, points[best], weight, settings.seed)
    log.info("%s: %d stays, %d features, %s", member.name, *rows["train"].shape, history[best])
    return Fitted(
        scores={part: _predict(booster, rows[part]) for part in ("val", "test")},
        history=history,
        chosen=history[best],
        parameters=sum(tree.count("\n") for tree in booster.get_dump()),
        tensors={
            "column_mean": torch.from_numpy(mean),
            "column_std": torch.from_numpy(std),
            "booster_ubj": torch.frombuffer(booster.save_raw("ubj"), dtype=torch.uint8),
        },
    )


def _check_folds(member: Member, rarest: int, folds: int) -> None:
    if rarest < folds:
        raise FleximodalError(
            f"the training part of {member.name} has {rarest} stays of the rarer class, fewer than "
            f"the {folds} folds of HAIM; use more stays, fewer folds or grid: off"
        )


def _refit(
    features: np.ndarray, labels: np.ndarray, point: GridPoint, weight: float, seed: int
) -> xgboost.Booster:
    bins = xgboost.QuantileDMatrix(features, labels)
    settings = booster_settings(point, positive_weight=weight, seed=seed)
    return xgboost.train(settings, bins, num_boost_round=point.n_estimators)


def _predict(booster: xgboost.Booster, features: np.ndarray) -> np.ndarray:
    return booster.predict(xgboost.DMatrix(features)).astype(np.float64)
