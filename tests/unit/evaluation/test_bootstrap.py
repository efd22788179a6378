"""Intervals: coverage, clusters, several runs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fleximodal.evaluation import bootstrap
from fleximodal.evaluation.bootstrap import (
    Interval,
    bootstrap_values,
    draw_weights,
    interval_of,
)
from fleximodal.evaluation.names import METRICS
from fleximodal.evaluation.part import TestPart

AUROC = METRICS.index("auroc")


def part(stays: int, seed: int, shift: float = 1.0, first_patient: int = 0) -> TestPart:
    """Return one stay per patient; normal scores whose positives are moved by `shift`."""
    generator = np.random.default_rng(seed)
    labels = (generator.random(stays) < 0.3).astype(np.int8)
    scores = expit(generator.normal(size=stays) + shift * labels)
    return TestPart(np.arange(first_patient, first_patient + stays), labels, scores, 0.5)


def bootstrap_means(runs: list[TestPart], replicates: int, seed: int) -> np.ndarray:
    """Return the mean over runs of each metric of the only label, (R, metrics)."""
    return bootstrap_values(runs, replicates, seed).whole.mean(axis=0)


def bootstrap_intervals(runs: list[TestPart], *, replicates: int, seed: int) -> dict[str, Interval]:
    means = bootstrap_means(runs, replicates, seed)
    return {name: interval_of(column) for name, column in zip(METRICS, means.T, strict=True)}


def width(runs: list[TestPart], metric: str = "auroc") -> float:
    interval = bootstrap_intervals(runs, replicates=400, seed=0)[metric]
    assert interval.low is not None and interval.high is not None
    return interval.high - interval.low


def test_interval_covers_the_true_auroc() -> None:
    """The AUROC of two normals one standard deviation apart is Phi(1 / sqrt(2))."""
    truth = norm.cdf(1 / np.sqrt(2))
    covered = 0
    for seed in range(120):
        interval = bootstrap_intervals([part(150, seed)], replicates=150, seed=seed)["auroc"]
        covered += interval.low < truth < interval.high
    # Binomial(120, 0.95) lies in this range with probability above 0.99.
    assert 106 <= covered <= 119


def test_means_are_those_of_resampled_stays() -> None:
    """Each replicate, drawn again by hand and measured by scikit-learn on copies of stays."""
    runs = [part(80, 1), part(80, 2)]
    found = bootstrap_means(runs, 20, seed=5)
    weights = draw_weights(np.random.default_rng(5), 20, 80)
    for row, counts in enumerate(weights.astype(int)):
        copies = np.repeat(np.arange(80), counts)
        expected = np.mean([roc_auc_score(run.labels[copies], run.scores[copies]) for run in runs])
        assert found[row, AUROC] == pytest.approx(expected, abs=1e-12)


def test_a_draw_holds_as_many_patients_as_there_are() -> None:
    weights = draw_weights(np.random.default_rng(0), 500, 30)
    assert weights.shape == (500, 30)
    assert (weights.sum(axis=1) == 30).all()
    assert weights.var() == pytest.approx(1 - 1 / 30, rel=0.1)


def test_a_second_equal_stay_of_each_patient_adds_no_certainty() -> None:
    once = part(200, 3)
    twice = TestPart(
        np.tile(once.patient_id, 2), np.tile(once.labels, 2), np.tile(once.scores, 2), 0.5
    )
    strangers = replace(twice, patient_id=np.arange(400))
    assert width([twice]) == pytest.approx(width([once]), rel=1e-9)
    assert width([strangers]) < 0.8 * width([twice])


def test_an_equal_second_run_adds_no_certainty() -> None:
    run = part(200, 4)
    assert width([run, run]) == pytest.approx(width([run]), rel=1e-9)


def test_runs_on_different_patients_add_certainty() -> None:
    first, second = part(400, 5), part(400, 6, first_patient=10_000)
    assert width([first, second]) == pytest.approx(width([first]) / np.sqrt(2), rel=0.2)


def test_order_of_stays_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    run = part(100, 7)
    order = np.random.default_rng(0).permutation(100)
    shuffled = TestPart(run.patient_id[order], run.labels[order], run.scores[order], 0.5)
    whole = bootstrap_means([run], 50, seed=1)
    assert bootstrap_means([shuffled], 50, seed=1) == pytest.approx(whole, rel=1e-12)
    monkeypatch.setattr(bootstrap, "ELEMENTS_AT_ONCE", 700)
    assert np.array_equal(bootstrap_means([run], 50, seed=1), whole)


def test_seed_decides() -> None:
    runs = [part(100, 8)]
    first = bootstrap_intervals(runs, replicates=50, seed=1)
    assert first == bootstrap_intervals(runs, replicates=50, seed=1)
    assert first != bootstrap_intervals(runs, replicates=50, seed=2)


def test_replicates_without_the_metric_are_counted() -> None:
    labels = np.array([1, 0, 0, 0], dtype=np.int8)
    run = TestPart(np.arange(4), labels, np.array([0.5, 0.1, 0.6, 0.2]), 0.5)
    intervals = bootstrap_intervals([run], replicates=400, seed=0)
    # The only positive is not drawn with probability (3/4)^4, nothing else with (1/4)^4.
    assert intervals["auroc"].undefined == pytest.approx(400 * (0.316 + 0.004), rel=0.2)
    assert intervals["auroc"].low is not None
    assert intervals["brier"].undefined == 0


def test_labels_share_the_draws_and_are_those_of_single_labels() -> None:
    first, second = part(90, 1), part(90, 2)
    labels = np.stack([first.labels, np.ones(90, np.int8), second.labels], axis=1)
    scores = np.stack([first.scores, second.scores, second.scores], axis=1)
    both = TestPart(first.patient_id, labels, scores, np.array([0.5, 0.5, 0.6]))
    found = bootstrap_values([both], 30, seed=3)
    values = found.labels
    assert found.names == METRICS
    assert values.shape == (1, 30, 3, len(METRICS))
    assert np.array_equal(
        values[:, :, :1], bootstrap_values([first], 30, seed=3).labels, equal_nan=True
    )
    alone = bootstrap_values([replace(second, threshold=0.6)], 30, seed=3).labels
    assert np.array_equal(values[:, :, 2:], alone, equal_nan=True)
    # A label with one class has no metric at all.
    assert np.isnan(values[:, :, 1]).all()
    # The whole is the mean over the labels that have both values.
    assert found.whole[0] == pytest.approx(np.nanmean(values[0], axis=1), nan_ok=True)
