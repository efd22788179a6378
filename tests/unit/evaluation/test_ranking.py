"""Metrics of many weightings at once against scikit-learn, one weighting at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)

from fleximodal import ranking
from fleximodal.evaluation import metrics
from fleximodal.evaluation.names import METRICS
from fleximodal.ranking import rank


@st.composite
def weighted_stays(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, scores with many ties, and three weightings with both classes in each."""
    n = draw(st.integers(2, 40))
    labels = draw(arrays.arrays(np.int8, n, elements=st.integers(0, 1)))
    labels[:2] = [0, 1]
    scores = draw(arrays.arrays(np.float64, n, elements=st.integers(0, 12).map(lambda k: k / 12)))
    weights = draw(arrays.arrays(np.float64, (3, n), elements=st.integers(0, 5).map(float)))
    weights[:, :2] += 1
    return labels, scores, weights


@settings(max_examples=25, deadline=None)
@given(weighted_stays(), st.integers(0, 12).map(lambda k: k / 12))
def test_all_weightings_at_once_equal_one_at_a_time(
    stays: tuple[np.ndarray, np.ndarray, np.ndarray], threshold: float
) -> None:
    labels, scores, weights = stays
    ranked = rank(labels, scores, weights)
    for row, one in enumerate(weights):
        expected = {
            "auroc": roc_auc_score(labels, scores, sample_weight=one),
            "auprc": average_precision_score(labels, scores, sample_weight=one),
            "f1": f1_score(labels, scores >= threshold, sample_weight=one, zero_division=0),
            "brier": brier_score_loss(labels, scores, sample_weight=one),
            "auroc_hard": roc_auc_score(labels, scores >= threshold, sample_weight=one),
            "accuracy": accuracy_score(labels, scores >= threshold, sample_weight=one),
            "macro_f1": f1_score(
                labels, scores >= threshold, sample_weight=one, average="macro", zero_division=0
            ),
        }
        found = {
            "auroc": ranking.auroc(ranked)[row],
            "auprc": ranking.auprc(ranked)[row],
            "f1": ranking.f1(ranked, threshold)[row],
            "brier": ranking.brier(ranked)[row],
            "auroc_hard": ranking.auroc_hard(ranked, threshold)[row],
            "accuracy": ranking.accuracy(ranked, threshold)[row],
            "macro_f1": ranking.macro_f1(ranked, threshold)[row],
        }
        assert found == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(weighted_stays())
def test_a_weight_is_a_number_of_copies(
    stays: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    labels, scores, weights = stays
    found = metrics.metric_columns(rank(labels, scores, weights), 0.4)
    for row, one in enumerate(weights):
        copies = np.repeat(np.arange(labels.size), one.astype(int))
        expected, _ = metrics.measure(labels[copies], scores[copies], 0.4)
        given = {name: np.nan if value is None else value for name, value in expected.items()}
        assert dict(zip(METRICS, found[row], strict=True)) == pytest.approx(
            given, abs=1e-7, nan_ok=True
        )


def test_a_large_sample_agrees_to_twelve_digits() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random(4000) < 0.14).astype(int)
    scores = generator.random(4000) * 0.7 + 0.3 * labels
    weights = generator.integers(0, 4, (3, 4000)).astype(float)
    ranked = rank(labels, scores, weights)
    for row, one in enumerate(weights):
        area = roc_auc_score(labels, scores, sample_weight=one)
        precision = average_precision_score(labels, scores, sample_weight=one)
        assert abs(ranking.auroc(ranked)[row] - area) < 1e-12
        assert abs(ranking.auprc(ranked)[row] - precision) < 1e-12


def test_a_class_without_mass_leaves_no_auroc() -> None:
    ranked = rank(np.array([0, 1]), np.array([0.2, 0.8]), np.array([[1.0, 0.0], [1.0, 1.0]]))
    assert ranking.auroc(ranked) == pytest.approx([np.nan, 1.0], nan_ok=True)
    assert ranking.auprc(ranked) == pytest.approx([np.nan, 1.0], nan_ok=True)


def test_labels_that_are_probabilities_leave_out_pairs_of_a_stay_with_itself() -> None:
    risk = np.random.default_rng(1).random(30).round(1)
    score = np.random.default_rng(2).random(30).round(1)
    won = pairs = 0.0
    for i in range(30):
        for j in range(30):
            if i != j:
                pair = risk[i] * (1 - risk[j])
                pairs += pair
                won += pair * ((score[i] > score[j]) + (score[i] == score[j]) / 2)
    oneself = float((risk * (1 - risk)).sum())
    assert ranking.auroc(rank(risk, score), oneself)[0] == pytest.approx(won / pairs)


def test_both_classes_is_told_per_label() -> None:
    labels = np.array([[0, 1, 0], [0, 1, 1]])
    assert ranking.both_classes(labels).tolist() == [False, False, True]
    assert ranking.both_classes(labels[:, 2]).tolist() == [True]
    assert ranking.both_classes(labels[:0]).tolist() == [False] * 3


def test_mean_of_known() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan] * 3])
    assert ranking.mean_of_known(values, axis=1) == pytest.approx([2, np.nan], nan_ok=True)
