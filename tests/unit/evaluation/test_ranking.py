"""Metrics of many weightings at once against scikit-learn, one weighting at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fleximodal.evaluation import metrics, ranking
from fleximodal.evaluation.bootstrap import replicate_metrics
from fleximodal.evaluation.names import METRICS
from fleximodal.evaluation.ranking import rank


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
            "auroc": metrics.auroc(labels, scores, one),
            "auprc": metrics.auprc(labels, scores, one),
            "f1": metrics.f1(labels, scores, threshold, one),
            "brier": metrics.brier(labels, scores, one),
        }
        found = {
            "auroc": ranking.auroc(ranked)[row],
            "auprc": ranking.auprc(ranked)[row],
            "f1": ranking.f1(ranked, threshold)[row],
            "brier": ranking.brier(ranked)[row],
        }
        assert found == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(weighted_stays())
def test_a_weight_is_a_number_of_copies(
    stays: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    labels, scores, weights = stays
    found = replicate_metrics(rank(labels, scores, weights), 0.4)
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
        assert abs(ranking.auroc(ranked)[row] - metrics.auroc(labels, scores, one)) < 1e-12
        assert abs(ranking.auprc(ranked)[row] - metrics.auprc(labels, scores, one)) < 1e-12


def test_a_class_without_mass_leaves_no_auroc() -> None:
    ranked = rank(np.array([0, 1]), np.array([0.2, 0.8]), np.array([[1.0, 0.0], [1.0, 1.0]]))
    assert ranking.auroc(ranked) == pytest.approx([np.nan, 1.0], nan_ok=True)
    assert ranking.auprc(ranked) == pytest.approx([np.nan, 1.0], nan_ok=True)
