"""Curves and bins against values worked by hand."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from fleximodal.evaluation.calibration import equal_mass_bins
from fleximodal.evaluation.curves import (
    GRID,
    curves_of,
    precision_on_grid,
    reliability,
    roc_on_grid,
)
from fleximodal.evaluation.part import TestPart
from fleximodal.ranking import rank

# From the top: negative, positive, positive and negative tied, positive, negative, negative.
RUN = TestPart(
    np.arange(7),
    np.array([0, 1, 1, 0, 1, 0, 0], dtype=np.int8),
    np.array([0.9, 0.8, 0.6, 0.6, 0.4, 0.3, 0.1]),
    0.5,
)


def test_precision_is_that_of_the_highest_threshold_that_reaches_the_recall() -> None:
    found = precision_on_grid(rank(RUN.labels, RUN.scores))
    assert found[:34] == pytest.approx(1 / 2)
    assert found[34:67] == pytest.approx(2 / 4)
    assert found[67:] == pytest.approx(3 / 5)


def test_roc_joins_its_points_by_lines() -> None:
    found = roc_on_grid(rank(RUN.labels, RUN.scores))
    assert found[10] == 0
    assert found[25] == pytest.approx(1 / 3)
    assert found[40] == pytest.approx(1 / 3 + (0.40 - 0.25) / 0.25 / 3)
    assert found[50:] == pytest.approx(1)


def test_bins_hold_equal_mass_and_keep_ties_together() -> None:
    scores = np.sort(np.random.default_rng(0).random(1001))
    labels = np.zeros(1001, dtype=int)
    bins = equal_mass_bins(rank(labels, scores))[0]
    assert bins.tolist() == [int(10 * (place + 0.5) / 1001) for place in range(1001)]
    # 3 stays at 0.1 have the middle of their mass at 15 %, 7 stays at 0.9 at 65 %.
    tied = rank(labels[:10], np.repeat([0.1, 0.9], [3, 7]))
    assert equal_mass_bins(tied).tolist() == [[1, 6]]


def test_reliability_pools_runs_and_leaves_out_empty_bins() -> None:
    found = reliability([RUN, RUN])
    assert found["n"] == [2, 2, 2, 4, 2, 2]
    assert found["mean_score"] == pytest.approx([0.1, 0.3, 0.4, 0.6, 0.8, 0.9])
    assert found["observed_fraction"] == pytest.approx([0, 0, 1, 0.5, 1, 0])


@pytest.mark.parametrize("seed", range(3))
def test_curves_pass_through_the_points_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = (random.random(90) < 0.3).astype(np.int8)
    scores = (random.random(90) * 0.6 + 0.4 * labels).round(2)
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    found = roc_on_grid(rank(labels, scores))
    assert found == pytest.approx(np.interp(GRID, false, true), abs=1e-12)
    precision, recall, _ = precision_recall_curve(labels, scores)
    found = precision_on_grid(rank(labels, scores))
    for x, y in zip(GRID[1:], found[1:], strict=True):
        assert y == pytest.approx(precision[np.flatnonzero(recall >= x - 1e-12)[-1]])


def test_curves_of_labels_are_averaged_and_a_label_with_one_class_is_left_out() -> None:
    second = 1 - RUN.labels
    labels = np.stack([RUN.labels, np.zeros_like(second), second], axis=1)
    scores = np.stack([RUN.scores, np.full(7, 0.3), RUN.scores**2], axis=1)
    many = TestPart(RUN.patient_id, labels, scores, np.full(3, 0.5))
    found = curves_of([many])
    single = [rank(RUN.labels, RUN.scores), rank(second, RUN.scores**2)]
    expected = np.mean([roc_on_grid(ranking) for ranking in single], axis=0)
    assert found["roc"]["true_positive_rate"] == pytest.approx(expected)
    expected = np.mean([precision_on_grid(ranking) for ranking in single], axis=0)
    assert found["precision_recall"]["precision"] == pytest.approx(expected)
    assert sum(found["reliability"]["n"]) == labels.size
