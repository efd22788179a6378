"""Metrics of one run against scikit-learn, closed forms and brute force."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)

from fleximodal.evaluation import calibration, metrics
from fleximodal.evaluation.names import METRICS
from fleximodal.ranking import rank

LABELS = np.array([0, 0, 1, 0, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.6, 0.6, 0.9])


def simulated(n: int, slope: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return labels drawn from probabilities, and scores whose logits are those over `slope`."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(-1.5, 1.2, n)
    labels = (generator.random(n) < expit(truth)).astype(int)
    return labels, expit(truth / slope)


def value(name: str, labels: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> float:
    found = metrics.measure(labels, scores, threshold)[0][name]
    assert found is not None
    return found


def slope_of(
    labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, str | None]:
    ranking = rank(labels, scores, None if weights is None else weights[None])
    return float(calibration.calibration_slope(ranking)[0]), calibration.no_slope_reason(ranking)


def test_values_worked_by_hand() -> None:
    # Of 9 pairs, the positive at 0.3 wins 2, that at 0.6 wins 2 and ties 1, that at 0.9 wins 3.
    assert value("auroc", LABELS, SCORES) == pytest.approx(7.5 / 9)
    # From the top: 1 of 1, then 2 of 3 (a tie), then 3 of 4; each a third of the recall.
    assert value("auprc", LABELS, SCORES) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    # At 0.5: 2 hits, 1 false alarm, 1 miss, 2 spared.
    assert value("f1", LABELS, SCORES) == pytest.approx(4 / 6)
    assert value("auroc_hard", LABELS, SCORES) == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert value("accuracy", LABELS, SCORES) == pytest.approx(4 / 6)
    # Of class 0 alike: 2 hits, 1 miss, 1 false alarm.
    assert value("macro_f1", LABELS, SCORES) == pytest.approx((4 / 6 + 4 / 6) / 2)
    squares = 0.01 + 0.04 + 0.49 + 0.36 + 0.16 + 0.01
    assert value("brier", LABELS, SCORES) == pytest.approx(squares / 6)


@pytest.mark.parametrize("digits", [1, 2, 12])
@pytest.mark.parametrize("seed", range(3))
def test_metrics_are_those_of_scikit_learn(digits: int, seed: int) -> None:
    labels, scores = simulated(500, 0.8, seed)
    scores = scores.round(digits)
    expected = {
        "auroc": roc_auc_score(labels, scores),
        "auprc": average_precision_score(labels, scores),
        "f1": f1_score(labels, scores >= 0.5),
        "f1_tuned": f1_score(labels, scores >= 0.2),
        "brier": brier_score_loss(labels, scores),
        "auroc_hard": roc_auc_score(labels, scores >= 0.5),
        "accuracy": accuracy_score(labels, scores >= 0.5),
        "macro_f1": f1_score(labels, scores >= 0.5, average="macro"),
    }
    found, _ = metrics.measure(labels, scores, 0.2)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_f1_is_zero_when_nothing_is_flagged() -> None:
    assert value("f1_tuned", LABELS, SCORES, threshold=0.95) == 0.0
    assert value("auroc_hard", LABELS, SCORES / 2) == 0.5
    # Class 0 is found with a precision of a half: F1 of two thirds, and 0 for class 1.
    assert value("macro_f1", LABELS, SCORES / 2) == pytest.approx(1 / 3)


def test_a_score_at_the_threshold_counts_as_positive() -> None:
    assert value("f1", np.array([0, 1]), np.array([0.2, 0.5])) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_is_the_best_of_all(seed: int) -> None:
    labels, scores = simulated(80, seed=seed)
    scores = scores.round(2)
    by_hand = {s: f1_score(labels, scores >= s, zero_division=0) for s in scores}
    chosen = metrics.best_f1_threshold(labels, scores)
    assert by_hand[chosen] == pytest.approx(max(by_hand.values()))


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_calibration_slope_recovers_the_truth(slope: float) -> None:
    found, reason = slope_of(*simulated(60_000, slope))
    assert reason is None
    assert found == pytest.approx(slope, rel=0.03)


@pytest.mark.parametrize("seed", range(4))
def test_calibration_slope_is_that_of_scikit_learn(seed: int) -> None:
    labels, scores = simulated(300, 0.7, seed)
    weights = np.random.default_rng(seed).integers(0, 4, 300).astype(float)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    model.fit(logit(scores)[:, None], labels, sample_weight=weights)
    found, _ = slope_of(labels, scores, weights)
    assert found == pytest.approx(model.coef_.item(), rel=1e-5)


def test_calibration_slope_with_extreme_scores() -> None:
    """The first step of Newton's method goes far astray here."""
    labels = np.array([0] * 200 + [1] * 4 + [0])
    scores = np.concatenate([np.full(200, 1e-9), [0.3, 1e-9, 1 - 1e-9, 0.99], [1 - 1e-9]])
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(logit(np.clip(scores, 1e-7, 1 - 1e-7))[:, None], labels)
    found, _ = slope_of(labels, scores)
    assert found == pytest.approx(model.coef_.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "scores", "reason"),
    [
        ([0, 1, 0, 1], [0.4, 0.4, 0.4, 0.4], "all scores are equal"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], "the scores separate the labels"),
        ([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], "the scores separate the labels"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.4], "the scores separate the labels"),
    ],
)
def test_no_slope_says_why(labels: list[int], scores: list[float], reason: str) -> None:
    assert slope_of(np.array(labels), np.array(scores)) == (
        pytest.approx(np.nan, nan_ok=True),
        reason,
    )
    values, reasons = metrics.measure(np.array(labels), np.array(scores), 0.3)
    assert values["calibration_slope"] is None
    assert reasons == {"calibration_slope": reason}


def test_a_slope_exists_as_soon_as_the_classes_overlap() -> None:
    found, _ = slope_of(np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert found > 0


@pytest.mark.parametrize("n", [100, 230, 1001])
def test_calibration_error_by_brute_force(n: int) -> None:
    labels, scores = simulated(n, 0.5)
    order = np.argsort(scores)
    bins: dict[int, list[int]] = {}
    for place, stay in enumerate(order):
        bins.setdefault(int(10 * (place + 0.5) / n), []).append(stay)
    expected = sum(
        len(stays) / n * abs(scores[stays].mean() - labels[stays].mean()) for stays in bins.values()
    )
    assert len(bins) == 10
    assert value("calibration_error", labels, scores) == pytest.approx(expected, rel=1e-12)


def test_calibration_error_does_not_depend_on_the_order_of_ties() -> None:
    labels = np.array([0, 1] * 20)
    scores = np.repeat([0.2, 0.4], 20)
    shuffled = np.random.default_rng(0).permutation(40)
    assert value("calibration_error", labels, scores) == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)
    assert value("calibration_error", labels[shuffled], scores[shuffled]) == pytest.approx(0.2)


def test_measure_gives_every_metric() -> None:
    values, reasons = metrics.measure(LABELS, SCORES, threshold=0.3)
    assert tuple(values) == METRICS
    assert values["f1_tuned"] == pytest.approx(6 / 7)
    assert reasons == {}
