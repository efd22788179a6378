"""HAIM: separable data are separated, the quick grid search equals the plain one."""

import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xgboost
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.haim import fit_haim, score_haim
from fleximodal.training.haim_grid import (
    GRIDS,
    Balance,
    GridPoint,
    cross_validate,
    undefined_in_folds,
)
from fleximodal.training.member import Fitted, Member
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
    """scikit-learn's search with XGBoost's classifier gives the same scores.

    Its AUROC sums areas, ours counts pairs: the last digit may differ.
    """
    features, labels = table
    weight = (labels == 0).sum() / (labels == 1).sum()
    with xgboost.config_context(nthread=1):
        scores = cross_validate(
            features,
            labels,
            POINTS,
            folds=5,
            balance=Balance(positive=weight),
            max_bins=256,
            seed=42,
            threads=2,
            log=LOG,
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
    assert {point: scores[row].tolist() for row, point in enumerate(POINTS)} == {
        point: pytest.approx(aurocs, abs=1e-14) for point, aurocs in expected.items()
    }


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
    cross_validate(
        features,
        labels,
        POINTS,
        folds=3,
        balance=Balance(positive=1.0),
        max_bins=256,
        seed=0,
        threads=1,
        log=LOG,
    )
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


def test_threads_do_not_change_the_scores(table: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = table
    one, three = (
        cross_validate(
            features,
            labels,
            POINTS,
            folds=4,
            balance=Balance(positive=2.0),
            max_bins=256,
            seed=1,
            threads=n,
            log=LOG,
        )
        for n in (1, 3)
    )
    assert np.array_equal(one, three)


@pytest.fixture
def several(table: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    features, label = table
    other = (features[:, 1] > 0.5).astype(np.int8)
    return features, np.stack([label, np.zeros_like(label), other], axis=1)


def test_labels_share_a_setting_and_have_trees_of_their_own(
    several: tuple[np.ndarray, np.ndarray],
) -> None:
    """The macro AUROC of boosters fitted to one label at a time, each with bins of its own."""
    features, labels = several
    points = POINTS[:3]
    found = cross_validate(
        features,
        labels,
        points,
        folds=3,
        balance=Balance(positive=None),
        max_bins=256,
        seed=5,
        threads=2,
        log=LOG,
    )
    splits = KFold(3, shuffle=True, random_state=5).split(features)
    for fold, (fitted, held_out) in enumerate(splits):
        for row, point in enumerate(points):
            each = []
            for k in (0, 2):  # the other label has one class
                model = xgboost.XGBClassifier(
                    tree_method="hist", random_state=5, n_jobs=1, **asdict(point)
                ).fit(features[fitted], labels[fitted, k])
                scores = model.predict_proba(features[held_out])[:, 1]
                each.append(roc_auc_score(labels[held_out, k], scores))
            assert found[row, fold] == pytest.approx(np.mean(each), abs=1e-14)
    assert undefined_in_folds(labels, 3, 5) == 3


def several_labels(stays: int = 200) -> Member:
    dataset = cohort(stays, signal=2.0)
    labels = np.stack([dataset.label, np.zeros_like(dataset.label), 1 - dataset.label], axis=1)
    return member(replace(dataset, label=labels, labels=("a", "never", "b")))


@pytest.mark.parametrize("grid", ["off", "small"])
def test_several_labels(tmp_path: Path, grid: str) -> None:
    run = several_labels()
    settings = HAIMSettings(grid=grid, folds=3)
    with repeatable(threads=2):
        fitted = fit_haim(run, settings, TRAINING, state=tmp_path, log=LOG)
    scores, labels = fitted.scores["test"], run.dataset.label[run.parts["test"]]
    assert scores.shape == labels.shape
    for k in (0, 2):
        assert roc_auc_score(labels[:, k], scores[:, k]) > 0.9
    assert (scores[:, 1] < 0.01).all()
    if grid == "small":
        assert fitted.chosen["cv_auroc"] > 0.9
        assert fitted.chosen["cv_undefined"] == 3


@pytest.mark.parametrize("several", [False, True])
def test_a_stored_model_gives_its_scores_again(tmp_path: Path, several: bool) -> None:
    run = several_labels() if several else member(cohort(200, signal=2.0))
    settings = HAIMSettings(grid="off")
    fitted = fit_haim(run, settings, TRAINING, state=tmp_path, log=LOG)
    save_file(fitted.tensors, tmp_path / "weights.safetensors")
    stored = load_file(tmp_path / "weights.safetensors")
    found = score_haim(run, settings, TRAINING, stored, ["test", "val"])
    assert list(found) == ["test", "val"]
    for part, scores in found.items():
        assert scores.tobytes() == fitted.scores[part].tobytes()


def test_notes_dropped_by_the_released_slice_are_missing_values(tmp_path: Path) -> None:
    dataset = cohort(120, signal=2.0)
    static = dataset.modalities["static"]
    notes = {"notes": replace(static, name="notes")}
    run = member(replace(dataset, modalities=notes))
    fitted = fit_haim(
        run, HAIMSettings(slices="authors", grid="off"), TRAINING, state=tmp_path, log=LOG
    )
    # Every stay has one note, which the slice drops: nothing is left to tell stays apart.
    assert len(set(fitted.scores["test"])) == 1


def test_fewer_bins_give_other_trees(tmp_path: Path) -> None:
    many, few = (fit(tmp_path, grid="off", max_bins=bins) for bins in (256, 4))
    thresholds = []
    for fitted in (many, few):
        booster = xgboost.Booster()
        booster.load_model(bytearray(fitted.tensors["booster_ubj"].numpy().tobytes()))
        splits = booster.trees_to_dataframe().query("Feature != 'Leaf'")
        thresholds.append(splits.groupby("Feature")["Split"].nunique().max())
    assert thresholds[1] <= 4 < thresholds[0]
