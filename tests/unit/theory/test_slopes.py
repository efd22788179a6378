"""Slopes of power laws, their intervals, and gaps in the data."""

import numpy as np
import pytest

from fleximodal.theory.slopes import fit_slope, slope_with_interval

SIZES = np.geomspace(1e3, 1e5, 10)
DRAW = {"replicates": 500, "seed": 0}


def test_a_power_law_is_found_again() -> None:
    constant, slope = fit_slope(SIZES, 0.2 * SIZES**-0.49)
    assert (float(constant), float(slope)) == pytest.approx((0.2, -0.49))


def test_slope_is_that_of_numpy_with_gaps() -> None:
    random = np.random.default_rng(0)
    losses = random.lognormal(size=(4, 10))
    losses[1, 3] = losses[2, 0] = np.nan
    _, slopes = fit_slope(SIZES, losses)
    for row, slope in zip(losses, slopes, strict=True):
        kept = np.isfinite(row)
        expected = np.polyfit(np.log(SIZES[kept]), np.log(row[kept]), 1)[0]
        assert slope == pytest.approx(expected)


@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_interval_covers_the_truth_about_as_often_as_it_says(statistic: str) -> None:
    covered = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        losses = SIZES[:, None] ** -0.5 * random.gamma(4, size=(10, 40))
        found = slope_with_interval(SIZES, losses, statistic, replicates=300, seed=seed)
        assert found is not None
        assert found["low"] < found["slope"] < found["high"]
        covered += found["low"] <= -0.5 <= found["high"]
    assert 86 <= covered <= 100


def test_sizes_with_too_few_values_are_left_out_and_too_few_sizes_give_none() -> None:
    losses = np.full((10, 6), np.nan)
    losses[:4] = SIZES[:4, None] ** -0.25
    losses[5, :2] = 1e9
    found = slope_with_interval(SIZES, losses, "median", **DRAW)
    assert found is not None
    assert found["slope"] == pytest.approx(-0.25)
    assert found["sizes"] == SIZES[:4].astype(int).tolist()
    losses[2:4] = np.nan
    assert slope_with_interval(SIZES, losses, "median", **DRAW) is None
