"""HAIM: separable data are separated, the quick grid search equals the plain one."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
import xgboost
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.haim import fit_haim
from fleximodal.training.haim_grid import GRIDS, GridPoint, cross_validate
from fleximodal.training.member import Fitted
from fleximodal.training.reproducible import repeatable
from tests.unit.training.toy import TRAINING, cohort, member

LOG = logging.getLogger("fleximodal.training")
POINTS = tuple(
    GridPoint(depth, trees, rate) for depth in (2, 3) for trees in (4, 9) for rate in (0.3, 0.1)
)


def fit(state: Path, *, stays: int = 200, **settings: object) -> Fitted:
    with repeatable(threads=1):
        run = member(cohort(stays, signal=2.0))
        return fit_haim(run, HAIMSettings(**settings), TRAINING, state=state, log=LOG)


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    features = random.normal(size=(300, 12)).astype(np.float32)
    features[:, 5] = 0
    labels = (features[:, 0] + random.normal(size=300) > 0.8).astype(np.int8)
    return features, labels


def test_grids() -> None:
    assert len(GRIDS["full"]) == len(set(GRIDS["full"])) == 24
    assert set(GRIDS["small"]) < set(GRIDS["full"])
    assert GRIDS["off"] == (GridPoint(6, 100, 0.3),)


def test_search_equals_fitting_every_setting_by_itself(
    table: tuple[np.ndarray, np.ndarray],
) -> None:
    """scikit-learn's search with XGBoost's classifier gives the same bits."""
    features, labels = table
    weight = (labels == 0).sum() / (labels == 1).sum()
    with xgboost.config_context(nthread=1):
        scores = cross_validate(
            features, labels, POINTS, folds=5, positive_weight=weight, seed=42, log=LOG
        )
        search = GridSearchCV(
            xgboost.XGBClassifier(tree_method="hist", scale_pos_weight=weight, random_state=42),
            {"max_depth": [2, 3], "n_estimators": [4, 9], "learning_rate": [0.3, 0.1]},
            scoring="roc_auc",
            cv=StratifiedKFold(5, shuffle=True, random_state=42),
            refit=False,
        ).fit(features, labels)
    found = search.cv_results_
    expected = {
        GridPoint(**params): [found[f"split{fold}_test_score"][row] for fold in range(5)]
        for row, params in enumerate(found["params"])
    }
    assert {point: scores[row].tolist() for row, point in enumerate(POINTS)} == expected


def test_fewer_trees_are_read_off_the_longer_run(
    table: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = []
    train = xgboost.train

    def count(*args: object, num_boost_round: int) -> xgboost.Booster:
        grown.append(num_boost_round)
        return train(*args, num_boost_round=num_boost_round)

    monkeypatch.setattr(xgboost, "train", count)
    features, labels = table
    cross_validate(features, labels, POINTS, folds=3, positive_weight=1.0, seed=0, log=LOG)
    assert grown == [9] * 4 * 3


@pytest.mark.parametrize("grid", ["off", "small"])
def test_separable_stays_are_separated(tmp_path: Path, grid: str) -> None:
    fitted = fit(tmp_path, grid=grid, folds=3)
    run = member(cohort(200, signal=2.0))
    for part in ("val", "test"):
        scores = fitted.scores[part]
        assert scores.dtype == np.float64
        assert ((scores >= 0) & (scores <= 1)).all()
        assert roc_auc_score(run.dataset.label[run.parts[part]], scores) > 0.9
    assert len(fitted.history) == len(GRIDS[grid])
    assert [row for row in fitted.history if row["selected"]] == [fitted.chosen]
    if grid == "small":
        assert fitted.chosen["cv_auroc"] == max(row["cv_auroc"] for row in fitted.history) > 0.9


def test_equal_runs_give_equal_bits(tmp_path: Path) -> None:
    one, other = fit(tmp_path, grid="small", folds=3), fit(tmp_path, grid="small", folds=3)
    assert one.history == other.history
    for part in ("val", "test"):
        assert one.scores[part].tobytes() == other.scores[part].tobytes()
    for name, value in one.tensors.items():
        assert torch.equal(value, other.tensors[name])


def test_the_kept_model_can_be_read_again(tmp_path: Path) -> None:
    fitted = fit(tmp_path, grid="off")
    booster = xgboost.Booster(model_file=bytearray(fitted.tensors["booster_ubj"].numpy().tobytes()))
    assert booster.num_boosted_rounds() == 100
    assert fitted.parameters == len(booster.trees_to_dataframe())


def test_test_part_plays_no_role_in_the_fit(tmp_path: Path) -> None:
    run = member(cohort(200))
    settings = HAIMSettings(grid="off")
    before = fit_haim(run, settings, TRAINING, state=tmp_path, log=LOG)
    test = run.parts["test"]
    run.dataset.label[test] = 1 - run.dataset.label[test]
    run.dataset.modalities["static"].features_array[test] *= 5
    after = fit_haim(run, settings, TRAINING, state=tmp_path, log=LOG)
    assert torch.equal(before.tensors["booster_ubj"], after.tensors["booster_ubj"])
    assert before.scores["val"].tobytes() == after.scores["val"].tobytes()
    assert before.scores["test"].tobytes() != after.scores["test"].tobytes()


def test_too_few_stays_of_a_class_for_the_folds(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="rarer class, fewer than the 90 folds"):
        fit(tmp_path, grid="small", folds=90)
