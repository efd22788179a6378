"""HAIM on a label of three classes, against the library used plainly."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xgboost
from sklearn.metrics import roc_auc_score
from sklearn.utils.class_weight import compute_sample_weight

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.haim import fit_haim, score_haim
from fleximodal.training.haim_grid import GridPoint, balance_of, cross_validate, folds_of
from tests.unit.training.subjects import member, subjects
from tests.unit.training.toy import TRAINING

LOG = logging.getLogger("fleximodal.training")
RANDOM = np.random.default_rng(9)


def test_trees_are_those_of_the_library(tmp_path: Path) -> None:
    run = member(subjects())
    settings = HAIMSettings(grid="off")
    fitted = fit_haim(run, settings, TRAINING, state=tmp_path, log=LOG)
    dataset, train = run.dataset, run.parts["train"]
    columns = []
    for one in dataset.modalities.values():
        values = np.zeros((dataset.num_stays, len(one.features)))  # type: ignore[union-attr]
        scale = run.scaler.of_table(one.name)
        raw = one.features_array.astype(float)  # type: ignore[union-attr]
        raw[raw == -1 if one.name == "genomic" else np.isnan(raw)] = np.nan
        scaled = (raw - scale.mean) / scale.std
        values[np.diff(one.row_offsets) > 0] = np.where(np.isnan(scaled), scale.fill, scaled)
        columns.append(values)
    features = np.concatenate(columns, axis=1)
    features = ((features - features[train].mean(0)) / features[train].std(0)).astype(np.float32)
    label = dataset.label[train]
    model = xgboost.XGBClassifier(
        objective="multi:softprob",
        n_estimators=100,
        max_depth=6,
        learning_rate=0.3,
        random_state=42,
    ).fit(features[train], label, sample_weight=compute_sample_weight("balanced", label))
    for part in ("val", "test"):
        wanted = model.predict_proba(features[run.parts[part]])
        assert (fitted.scores[part].argmax(1) == wanted.argmax(1)).mean() > 0.97
        np.testing.assert_allclose(fitted.scores[part], wanted, atol=0.05)
    again = score_haim(run, settings, TRAINING, fitted.tensors, ["test"])
    np.testing.assert_array_equal(again["test"], fitted.scores["test"])


def test_grid_is_scored_by_each_class_against_the_rest() -> None:
    label = RANDOM.integers(0, 3, 150)
    features = (RANDOM.normal(size=(150, 4)) + np.eye(4)[label]).astype(np.float32)
    points = (GridPoint(2, 5, 0.3), GridPoint(2, 9, 0.3), GridPoint(3, 5, 0.1))
    balance = balance_of(label, 3)
    found = cross_validate(
        features,
        label,
        points,
        folds=3,
        balance=balance,
        max_bins=64,
        seed=1,
        threads=1,
        log=LOG,
    )
    weight = compute_sample_weight("balanced", label)
    for fold, (fitted, held_out) in enumerate(folds_of(label, 3, 1)):
        for row, point in enumerate(points):
            model = xgboost.XGBClassifier(
                objective="multi:softprob",
                max_bin=64,
                random_state=1,
                n_jobs=1,
                tree_method="hist",
                **vars(point),
            ).fit(features[fitted], label[fitted], sample_weight=weight[fitted])
            scores = model.predict_proba(features[held_out])
            wanted = roc_auc_score(label[held_out], scores, multi_class="ovr")
            assert found[row, fold] == pytest.approx(wanted, abs=1e-6)


def test_too_few_stays_of_a_class_for_the_folds(tmp_path: Path) -> None:
    dataset = subjects(60)
    run = member(dataset)
    label = dataset.label.copy()
    for part in ("train", "val"):
        rows = run.parts[part]
        label[rows[label[rows] == 2][2:]] = 0
    few = replace(run, dataset=replace(dataset, label=label))
    with pytest.raises(FleximodalError, match="2 stays of the rarest class, fewer than"):
        fit_haim(few, HAIMSettings(grid="small"), TRAINING, state=tmp_path, log=LOG)
