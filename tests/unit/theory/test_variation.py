"""Expected total variation against closed forms and a finer rule."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from fleximodal.theory import variation
from fleximodal.theory.mixture import Mixture
from fleximodal.theory.truth import make_truth
from fleximodal.theory.variation import expected_variation

Draw = Callable[..., Mixture]


def line(slope: float, intercept: float, variance: float, dimension: int = 1) -> Mixture:
    part = torch.zeros(1, 1, dtype=torch.float64)
    centre = torch.zeros(1, 1, dimension, dtype=torch.float64)
    return Mixture(centre, part, centre + slope, part + intercept, part + math.log(variance))


@pytest.mark.parametrize("dimension", [1, 2])
def test_two_normals_a_constant_apart(dimension: int) -> None:
    """TV of N(0, s^2) and N(m, s^2) is 2 Phi(m / 2 s) - 1 at every input."""
    found = expected_variation(
        line(0.7, 0.5, 0.04, dimension), line(0.7, 0.2, 0.04, dimension), "laplace", (-3, 3)
    )
    expected = math.erf(0.3 / (2 * 0.2) / math.sqrt(2))
    assert found == pytest.approx([expected], abs=1e-4)


def test_mean_over_the_inputs() -> None:
    found = expected_variation(line(1, 0, 1), line(0, 0, 1), "softmax", (0, 2))
    x = np.linspace(0, 2, 20_001)
    values = [math.erf(v / 2 / math.sqrt(2)) for v in x]
    assert found == pytest.approx([np.trapezoid(values, x) / 2], abs=1e-5)


def test_a_finer_rule_agrees(draw_mixture: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = make_truth("identifiable", "laplace", seed=0)
    fit = draw_mixture(fits=3, seed=1)
    coarse = expected_variation(fit, truth.mixture, "laplace", truth.support)
    monkeypatch.setattr(variation, "NODES", 150)
    monkeypatch.setattr(variation, "POINTS", 2563)
    monkeypatch.setattr(variation, "AT_ONCE", 1)
    fine = expected_variation(fit, truth.mixture, "laplace", truth.support)
    assert coarse == pytest.approx(fine, rel=2e-3)
    assert ((0 < coarse) & (coarse < 1)).all()


def test_truth_is_no_distance_from_itself() -> None:
    truth = make_truth("identifiable", "softmax", seed=0)
    found = expected_variation(truth.mixture, truth.mixture, "softmax", truth.support)
    assert found == pytest.approx([0.0], abs=1e-15)
