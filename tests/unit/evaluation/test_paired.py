"""Paired differences of cells against plain resampling, scipy and known truths."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from fleximodal.errors import FleximodalError
from fleximodal.evaluation.paired import (
    Replicated,
    Run,
    Scored,
    difference,
    read_tests,
    replicate,
)

Store = Callable[..., Path]


def scored(seed: int, gain: float, *, patients: int = 60, labels: int = 1) -> Scored:
    """Return a test part in which each patient has one or two stays; gain 0 is chance."""
    stays = np.random.default_rng(0)
    patient_id = np.sort(np.r_[np.arange(patients), stays.integers(patients, size=patients // 2)])
    truth = (stays.random((patient_id.size, labels)) < 0.4).astype(np.int8)
    noise = np.random.default_rng([1, seed]).normal(size=truth.shape)
    return Scored(patient_id, truth, 1 / (1 + np.exp(0.3 - gain * truth - noise)))


def cell(gain: float, seeds: tuple[int, ...] = (1, 2, 3), labels: int = 1) -> dict[Run, Scored]:
    return {("official", seed): scored(seed, gain, labels=labels) for seed in seeds}


def test_replicates_are_those_of_a_plain_resampling_of_patients() -> None:
    cells = {"a": cell(1.0), "b": cell(0.5, (1,))}
    found = replicate(cells, ["auroc", "f1"], replicates=25, seed=4)
    patients = np.unique(cells["a"]["official", 1].patient_id)
    drawn = np.random.default_rng(4).integers(patients.size, size=(25, patients.size))
    for name, runs in cells.items():
        for number, row in enumerate(drawn):
            expected: dict[str, list[float]] = {"auroc": [], "f1": []}
            for part in runs.values():
                chosen = np.concatenate([np.flatnonzero(part.patient_id == p) for p in row])
                labels, scores = part.labels[chosen, 0], part.scores[chosen, 0]
                expected["auroc"].append(roc_auc_score(labels, scores))
                expected["f1"].append(f1_score(labels, scores >= 0.5))
            for metric, values in expected.items():
                assert found[metric][name].replicates[number] == pytest.approx(np.mean(values))
        auroc = [roc_auc_score(p.labels[:, 0], p.scores[:, 0]) for p in runs.values()]
        assert found["auroc"][name].mean == pytest.approx(np.mean(auroc))
        assert list(found["auroc"][name].runs.values()) == pytest.approx(auroc)


def test_several_labels_give_the_mean_over_those_with_both_classes() -> None:
    part = scored(1, 1.0, labels=3)
    part.labels[:, 1] = 0  # no positives: no AUROC, F1 of 0
    found = replicate({"a": {("official", 1): part}}, ["auroc", "f1"], replicates=10, seed=0)
    known = [roc_auc_score(part.labels[:, k], part.scores[:, k]) for k in (0, 2)]
    assert found["auroc"]["a"].mean == pytest.approx(np.mean(known))
    flagged = part.scores >= 0.5
    scores = [f1_score(part.labels[:, k], flagged[:, k], zero_division=0) for k in range(3)]
    assert found["f1"]["a"].mean == pytest.approx(np.mean(scores))
    assert np.isfinite(found["auroc"]["a"].replicates).all()


def test_a_cell_does_not_differ_from_itself() -> None:
    found = replicate({"a": cell(1.0), "b": cell(1.0)}, ["auroc"], replicates=20, seed=0)["auroc"]
    same = difference(found["a"], found["b"])
    assert (same.value, same.low, same.high, same.p_patients, same.p_seeds) == (0, 0, 0, 1, 1)


def test_pairing_narrows_the_interval() -> None:
    """Scores that differ a little on the same stays: the paired interval must be far narrower."""
    base = scored(1, 1.0)
    near = Scored(base.patient_id, base.labels, np.clip(base.scores + 0.01 * base.labels, 0, 1))
    cells = {"a": {("official", 1): near}, "b": {("official", 1): base}}
    found = replicate(cells, ["auroc"], replicates=200, seed=0)["auroc"]
    apart = difference(found["a"], found["b"])
    assert apart.low is not None and apart.high is not None
    alone = np.quantile(found["b"].replicates, [0.025, 0.975])
    assert apart.high - apart.low < 0.2 * (alone[1] - alone[0])
    assert apart.value is not None and 0 < apart.value < 0.05


def test_p_values_of_patients_are_uniform_where_there_is_no_difference() -> None:
    rejected = []
    for trial in range(60):
        stays = np.random.default_rng(trial)
        patient_id = np.arange(120)
        labels = (stays.random((120, 1)) < 0.4).astype(np.int8)
        cells = {}
        for name in "ab":
            scores = 1 / (1 + np.exp(-labels - stays.normal(size=labels.shape)))
            cells[name] = {("official", 1): Scored(patient_id, labels, scores)}
        found = replicate(cells, ["auroc"], replicates=100, seed=trial)["auroc"]
        p = difference(found["a"], found["b"]).p_patients
        assert p is not None
        rejected.append(p < 0.2)
    assert 0.08 < np.mean(rejected) < 0.34  # binomial, 60 trials of 0.2: four deviations


def of_runs(*values: float, seeds: tuple[int, ...] | None = None) -> Replicated:
    runs = {("official", s): v for s, v in zip(seeds or range(len(values)), values, strict=True)}
    return Replicated(runs, float(np.mean(values)), np.random.default_rng(0).normal(size=20))


def test_paired_t_over_seeds_is_that_of_scipy() -> None:
    left, right = (0.81, 0.84, 0.80, 0.86), (0.80, 0.81, 0.81, 0.82)
    found = difference(of_runs(*left), of_runs(*right))
    assert found.p_seeds == pytest.approx(stats.ttest_rel(left, right).pvalue)
    assert found.n_pairs == 4
    constant = difference(of_runs(*left), of_runs(0.8, seeds=(7,)))
    assert constant.p_seeds == pytest.approx(stats.ttest_1samp(left, 0.8).pvalue)
    assert constant.n_pairs == 4
    single = difference(of_runs(0.9, seeds=(1,)), of_runs(0.8, seeds=(7,)))
    assert (single.p_seeds, single.n_pairs) == (None, 1)


def test_an_undefined_metric_has_no_difference() -> None:
    part = scored(1, 1.0)
    part.labels[:] = 0
    cells = {"a": {("official", 1): part}, "b": {("official", 1): part}}
    found = replicate(cells, ["auroc"], replicates=10, seed=0)["auroc"]
    assert difference(found["a"], found["b"]).value is None


def test_test_parts_are_read_by_run(
    make_predictions: Callable[..., "object"], stored: Callable[..., Path]
) -> None:
    path = stored(make_predictions(seeds=(1, 2)))
    frame = pl.read_parquet(path).filter(pl.col("part") == "test")
    runs = read_tests(path)
    assert list(runs) == [("official", 1), ("official", 2)]
    rows = frame.filter(pl.col("seed") == 2).sort("stay_id")
    part = runs["official", 2]
    assert part.labels[:, 0].tolist() == rows["label"].to_list()
    assert part.scores[:, 0].tolist() == rows["score"].to_list()
    assert part.patient_id.tolist() == rows["patient_id"].to_list()


def test_lists_of_labels_become_columns(
    make_predictions: Callable[..., "object"], tmp_path: Path
) -> None:
    single = pl.from_pandas(make_predictions(seeds=(1,)))  # type: ignore[arg-type]
    several = single.with_columns(
        label=pl.concat_list(pl.col("label"), 1 - pl.col("label")).cast(pl.List(pl.Int8)),
        score=pl.concat_list(pl.col("score"), 1 - pl.col("score")),
    )
    several.write_parquet(tmp_path / "predictions.parquet")
    part = read_tests(tmp_path / "predictions.parquet")["official", 1]
    assert part.labels.shape == part.scores.shape == (120, 2)
    np.testing.assert_array_equal(part.labels[:, 0], 1 - part.labels[:, 1])


def test_no_test_part_is_named(
    make_predictions: Callable[..., "object"], stored: Callable[..., Path]
) -> None:
    frame = make_predictions()
    path = stored(frame[frame["part"] == "val"])  # type: ignore[index]
    with pytest.raises(FleximodalError, match="predictions.parquet: has no test part"):
        read_tests(path)
