"""The trainer of HAIM: tabular features, gradient-boosted trees (Soenksen et al. 2022)."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xgboost

from fleximodal.config.training import Training
from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.haim_features import haim_features
from fleximodal.training.haim_grid import (
    GRIDS,
    balance_of,
    booster_settings,
    cross_validate,
    undefined_in_folds,
)
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
    Several labels or classes have trees of their own and one setting, that of the best macro
    AUROC; stays are weighted by class only where there is one label. XGBoost uses as many threads
    as torch.

    Raises
    ------
    FleximodalError
        If the training part has fewer stays of a class than there are folds.
    """
    check_classes(member)
    columns = haim_features(member.dataset, member.scaler, settings)
    fitted = columns[member.parts["train"]]
    mean, std = _moments(fitted)
    labels = member.dataset.label[member.parts["train"]]
    features = _standardised(fitted, mean, std)
    balance = balance_of(labels, member.dataset.num_classes)
    threads = torch.get_num_threads()

    points = GRIDS[settings.grid]
    history: list[dict[str, Any]] = [asdict(point) for point in points]
    best = 0
    if len(points) > 1:
        _check_folds(member, labels, settings.folds)
        auroc = cross_validate(
            features,
            labels,
            points,
            folds=settings.folds,
            balance=balance,
            max_bins=settings.max_bins,
            seed=settings.seed,
            threads=threads,
            log=log,
        )
        # A fold in which no label has both classes tells nothing of any setting.
        auroc = auroc[:, ~np.isnan(auroc).any(axis=0)]
        best = int(auroc.mean(axis=1).argmax())
        for row, scores in zip(history, auroc, strict=True):
            row["cv_auroc"] = float(scores.mean())
            row["cv_auroc_sd"] = float(scores.std(ddof=1)) if len(scores) > 1 else None
            if labels.ndim > 1:
                row["cv_undefined"] = undefined_in_folds(labels, settings.folds, settings.seed)
    history = [{"point": i, **row, "selected": i == best} for i, row in enumerate(history)]

    booster_values = booster_settings(
        points[best],
        balance=balance,
        max_bins=settings.max_bins,
        seed=settings.seed,
        threads=threads,
    )
    bins = xgboost.QuantileDMatrix(
        features,
        labels,
        weight=balance.weights(labels),
        max_bin=settings.max_bins,
        nthread=threads,
    )
    booster = xgboost.train(booster_values, bins, num_boost_round=points[best].n_estimators)
    log.info("%s: %d stays, %d features, %s", member.name, *features.shape, history[best])
    scores = {
        part: _predict(booster, _standardised(columns[member.parts[part]], mean, std))
        for part in ("val", "test")
    }
    return Fitted(
        scores=scores,
        history=history,
        chosen=history[best],
        parameters=sum(tree.count("\n") for tree in booster.get_dump()),
        tensors={
            "column_mean": torch.from_numpy(mean),
            "column_std": torch.from_numpy(std),
            "booster_ubj": torch.frombuffer(booster.save_raw("ubj"), dtype=torch.uint8),
        },
    )


def score_haim(
    member: Member,
    settings: HAIMSettings,
    training: Training,
    tensors: Mapping[str, torch.Tensor],
    parts: Iterable[str],
) -> dict[str, np.ndarray]:
    """Return the scores that a stored model gives the stays of the parts.

    Parameters
    ----------
    member, settings, training
        As for `fit_haim`; the stays may differ from those that the model was fitted on.
    tensors
        The tensors of a `Fitted`, as stored.
    parts
        Names in `member.parts`.
    """
    columns = haim_features(member.dataset, member.scaler, settings)
    booster = xgboost.Booster({"nthread": torch.get_num_threads()})
    booster.load_model(bytearray(tensors["booster_ubj"].numpy().tobytes()))
    mean, std = tensors["column_mean"].numpy(), tensors["column_std"].numpy()
    return {
        part: _predict(booster, _standardised(columns[member.parts[part]], mean, std))
        for part in parts
    }


def _moments(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column; NaN, a missing value, is left out."""
    known = ~np.isnan(columns)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, columns, 0).sum(axis=0) / count
    std = np.sqrt((np.where(known, columns - mean, 0) ** 2).sum(axis=0) / count)
    std[std == 0] = 1
    return mean, std


def _standardised(columns: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return ((columns - mean) / std).astype(np.float32)


def _check_folds(member: Member, labels: np.ndarray, folds: int) -> None:
    one = labels.ndim == 1
    classes = member.dataset.num_classes
    rarest = int(np.bincount(labels, minlength=classes).min()) if one else len(labels)
    if rarest < folds:
        of_what = f"of the {'rarer' if classes == 2 else 'rarest'} class, " if one else ""
        raise FleximodalError(
            f"the training part of {member.name} has {rarest} stays {of_what}fewer than "
            f"the {folds} folds of HAIM; use more stays, fewer folds or grid: off"
        )


def _predict(booster: xgboost.Booster, features: np.ndarray) -> np.ndarray:
    """Return probabilities, (n,), (n, K) or (n, C), float64."""
    found: np.ndarray = booster.predict(xgboost.DMatrix(features, nthread=1)).astype(np.float64)
    several = json.loads(booster.save_config())["learner"]["objective"]["name"] == "multi:softprob"
    return found / found.sum(axis=1, keepdims=True) if several else found
