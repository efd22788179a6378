"""Density, gradients and information against sums written out and finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from fleximodal.theory.gates import GATES
from fleximodal.theory.likelihood import Likelihood, Samples, gradient
from fleximodal.theory.mixture import Mixture, log_density, unpack
from fleximodal.theory.truth import anchored
from tests.unit.theory.reference import Floats, density, mean_log_density

Draw = Callable[..., Mixture]
CASES = [(gate, d, top_k) for gate in GATES for d in (1, 2) for top_k in (None, 2)]


def plain(mixture: Mixture, fit: int) -> tuple[Floats, ...]:
    parts = [part[fit].numpy() for part in vars(mixture).values()]
    parts[-1] = np.exp(parts[-1])
    return tuple(parts)


def draw_data(replicates: int, dimension: int, size: int) -> Samples:
    random = np.random.default_rng(5)
    x = random.uniform(-2, 2, (replicates, dimension, size))
    y = random.normal(size=(replicates, size))
    return Samples(torch.from_numpy(x), torch.from_numpy(y))


@pytest.mark.parametrize(("gate", "dimension", "top_k"), CASES)
def test_log_density_is_the_written_out_sum(
    draw_mixture: Draw, gate: str, dimension: int, top_k: int | None
) -> None:
    mixture, data = draw_mixture(dimension=dimension), draw_data(2, dimension, 25)
    found = log_density(mixture, data.x, data.y, gate, top_k)
    for fit in range(2):
        for place in range(25):
            x, y = data.x[fit, :, place].numpy(), float(data.y[fit, place])
            expected = density(gate, plain(mixture, fit), x, y, top_k)
            assert float(found[fit, place]) == pytest.approx(np.log(expected), rel=1e-12)


@pytest.mark.parametrize(("gate", "dimension", "top_k"), CASES)
def test_density_integrates_to_one(
    draw_mixture: Draw, gate: str, dimension: int, top_k: int | None
) -> None:
    mixture = draw_mixture(fits=1, dimension=dimension)
    y = torch.linspace(-40, 40, 40_001, dtype=torch.float64)
    x = torch.tensor([0.3, -1.1], dtype=torch.float64)[:dimension].reshape(1, dimension, 1)
    values = log_density(mixture, x.expand(-1, -1, len(y)), y[None], gate, top_k).exp()
    assert float(torch.trapezoid(values[0], y)) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize(("gate", "dimension", "top_k"), CASES)
def test_gradient_is_that_of_finite_differences(
    draw_mixture: Draw, gate: str, dimension: int, top_k: int | None
) -> None:
    mixture, data = draw_mixture(dimension=dimension), draw_data(3, dimension, 40)
    replicate = torch.tensor([2, 0])
    likelihood = Likelihood(data, gate, top_k)
    statistics = likelihood.statistics(mixture, replicate)
    found, vector = gradient(statistics, mixture).numpy(), mixture.pack()
    step = 1e-6
    for fit in range(2):
        x, y = data.x[replicate[fit]].numpy(), data.y[replicate[fit]].numpy()

        def value(
            change: Floats, x: Floats = x, y: Floats = y, row: torch.Tensor = vector[fit]
        ) -> float:
            moved = unpack((row + torch.from_numpy(change))[None], 3, dimension)
            return mean_log_density(gate, plain(moved, 0), x, y, top_k)

        zero = np.zeros(vector.shape[1])
        assert float(statistics.value[fit]) == pytest.approx(value(zero), rel=1e-12)
        for place in range(vector.shape[1]):
            change = zero.copy()
            change[place] = step
            slope = (value(change) - value(-change)) / (2 * step)
            assert found[fit, place] == pytest.approx(slope, abs=2e-8), place


@pytest.mark.parametrize("gate", GATES)
def test_information_is_the_mean_outer_product_of_gradients(draw_mixture: Draw, gate: str) -> None:
    mixture, data = draw_mixture(fits=1, dimension=2), draw_data(1, 2, 30)
    whole = Likelihood(data, gate).information(mixture, torch.tensor([0]))[0]
    each = [
        Samples(data.x[:, :, place : place + 1], data.y[:, place : place + 1])
        for place in range(30)
    ]
    slopes = [
        gradient(Likelihood(one, gate).statistics(mixture, torch.tensor([0])), mixture)[0]
        for one in each
    ]
    expected = torch.stack([torch.outer(slope, slope) for slope in slopes]).mean(0)
    assert torch.allclose(whole, expected, atol=1e-12)


def test_gaussian_gate_is_a_softmax_gate(draw_mixture: Draw) -> None:
    mixture, data = draw_mixture(dimension=2), draw_data(2, 2, 20)
    bias = mixture.bias - mixture.centre.square().sum(2)
    rest = (mixture.slope, mixture.intercept, mixture.log_variance)
    softmax = Mixture(2 * mixture.centre, bias, *rest)
    ours = log_density(mixture, data.x, data.y, "gaussian")
    assert torch.allclose(ours, log_density(softmax, data.x, data.y, "softmax"), atol=1e-12)


@pytest.mark.parametrize("gate", GATES)
def test_anchoring_changes_no_density(draw_mixture: Draw, gate: str) -> None:
    mixture, data = draw_mixture(dimension=2), draw_data(2, 2, 20)
    held = anchored(mixture, gate)
    assert torch.all(held.bias[:, -1] == 0)
    assert gate == "laplace" or torch.all(held.centre[:, -1] == 0)
    before = log_density(mixture, data.x, data.y, gate)
    assert torch.allclose(before, log_density(held, data.x, data.y, gate), atol=1e-12)


def test_blocks_and_threads_change_nothing(
    draw_mixture: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixture, data = draw_mixture(fits=3), draw_data(2, 1, 500)
    replicate = torch.tensor([0, 1, 0])
    whole = Likelihood(data, "laplace").statistics(mixture, replicate)
    monkeypatch.setattr("fleximodal.theory.likelihood.BLOCK", 64)
    parts = [
        Likelihood(data, "laplace", threads=threads).statistics(mixture, replicate)
        for threads in (1, 3)
    ]
    for name, value in vars(whole).items():
        assert torch.allclose(value, getattr(parts[0], name), atol=1e-13), name
        assert torch.equal(getattr(parts[0], name), getattr(parts[1], name)), name
