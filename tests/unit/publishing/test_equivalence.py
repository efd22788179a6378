"""The verdict on a published mean: closed forms, scipy, and the error of the first kind."""

import numpy as np
import pytest
from scipy import stats

from fleximodal.publishing.equivalence import Sample, compare


def sample(values: np.ndarray) -> Sample:
    return Sample(float(values.mean()), float(values.std(ddof=1)), values.size)


def test_p_value_and_interval_are_those_of_two_welch_tests_of_scipy() -> None:
    generator = np.random.default_rng(0)
    left, right = generator.normal(80, 0.5, 3), generator.normal(80.3, 1.5, 5)
    margin = 2.0
    found = compare(sample(left), sample(right), margin=margin, level=0.05)
    below = stats.ttest_ind(right + margin, left, equal_var=False, alternative="greater")
    above = stats.ttest_ind(right - margin, left, equal_var=False, alternative="less")
    assert found.p == pytest.approx(max(below.pvalue, above.pvalue))
    interval = stats.ttest_ind(right, left, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.difference == pytest.approx(right.mean() - left.mean())


@pytest.mark.parametrize(
    ("published", "measured", "verdict"),
    [
        (Sample(80.0, 0.2, 3), Sample(80.1, 0.2, 3), "equivalent"),
        (Sample(80.0, 0.05, 3), Sample(80.4, 0.05, 3), "equivalent"),  # differs, but too little
        (Sample(80.0, 0.2, 3), Sample(83.0, 0.2, 3), "different"),
        (Sample(80.0, 2.0, 3), Sample(80.5, 2.0, 3), "inconclusive"),
        (Sample(80.0, 0.0, 3), Sample(80.9, 0.0, 3), "equivalent"),
        (Sample(80.0, 0.0, 3), Sample(81.1, 0.0, 3), "different"),
    ],
)
def test_verdicts(published: Sample, measured: Sample, verdict: str) -> None:
    assert compare(published, measured, margin=1.0, level=0.05).verdict == verdict


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((79.5, 80.4), "equivalent"),
        ((79.0, 82.0), "inconclusive"),
        ((80.5, 82.0), "different"),
        ((None, None), "inconclusive"),
    ],
)
def test_a_single_run_is_judged_by_its_interval_over_patients(
    interval: tuple[float | None, float | None], verdict: str
) -> None:
    found = compare(
        Sample(80.0, 0.0, 3), Sample(80.2, None, 1), margin=1.0, level=0.05, interval=interval
    )
    assert (found.verdict, found.p) == (verdict, None)
    if interval[0] is not None:
        assert found.low == pytest.approx(interval[0] - 80)


def test_equivalence_is_rarely_claimed_at_the_edge_of_the_margin() -> None:
    """With the true difference at the margin, "equivalent" is wrong: at most 5 in 100 times."""
    generator = np.random.default_rng(1)
    trials, claimed, apart = 1000, 0, 0
    for _ in range(trials):
        left, right = generator.normal(80, 0.3, 5), generator.normal(81, 0.3, 5)
        claimed += compare(sample(left), sample(right), margin=1.0, level=0.05).verdict == (
            "equivalent"
        )
        same = generator.normal(80, 0.9, 5)
        apart += compare(sample(left), sample(same), margin=0.1, level=0.05).verdict == "different"
    deviation = (0.05 * 0.95 / trials) ** 0.5
    assert 0.01 < claimed / trials < 0.05 + 3 * deviation
    assert 0.01 < apart / trials < 0.05 + 3 * deviation  # no difference: rarely "different"
