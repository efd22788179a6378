"""Cells and losses: hand-computed values, and what must not change them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from fleximodal.errors import FleximodalError
from fleximodal.theory.gates import GATES, SHIFTING
from fleximodal.theory.mixture import Mixture
from fleximodal.theory.truth import make_truth
from fleximodal.theory.voronoi import compare

Draw = Callable[..., Mixture]


def mixture(w: list[float], beta: list[float], a: list[float], b: list[float], nu: list[float]):
    w, beta, a, b, nu = (torch.tensor([part], dtype=torch.float64) for part in (w, beta, a, b, nu))
    return Mixture(w.unsqueeze(-1), beta, a.unsqueeze(-1), b, nu.log())


TRUE = mixture([-1, 1], [0.3, 0], [1, -1.5], [-0.5, 0.8], [0.25, 0.15])


def near(truth: Mixture, components: int) -> Mixture:
    """Return 40 mixtures around the truth, with components dealt over its two cells."""
    random = torch.Generator().manual_seed(1)
    label = torch.tensor([0, 1, 0])[:components].expand(40, -1)
    parts = [part[0][label] for part in vars(truth).values()]
    drawn = [torch.randn(part.shape, generator=random, dtype=part.dtype) for part in parts]
    return Mixture(*(part + 0.2 * noise for part, noise in zip(parts, drawn, strict=True)))


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("configuration", ["identifiable", "published"])
def test_truth_is_no_distance_from_itself(gate: str, configuration: str) -> None:
    truth = make_truth(configuration, gate, seed=0).mixture
    found = compare(truth, truth, gate)
    assert found.loss == pytest.approx([0.0], abs=1e-14)
    assert found.cell.tolist() == [[0, 1]]


def test_d1_by_hand() -> None:
    fit = mixture([-1.1, 1.2], [0.5, 0], [1.3, -1.5], [-0.5, 0.7], [0.25, 0.25])
    found = compare(fit, TRUE, "laplace")
    first = abs(np.exp(0.5) - np.exp(0.3)) + np.exp(0.5) * (0.1 + 0.3)
    second = 1.0 * (0.2 + 0.1 + 0.1)
    assert found.loss[0] == pytest.approx(first + second)
    assert found.errors["W"][0] == pytest.approx([0.1, 0.2])
    assert found.errors["b"][0] == pytest.approx([0.0, 0.1])
    assert found.errors["exp(beta)"][0, 0] == pytest.approx(np.exp(0.5) - np.exp(0.3))


@pytest.mark.parametrize(("gate", "powers"), [("laplace", (2, 2, 4, 2)), ("softmax", (4, 2, 4, 2))])
def test_d2_by_hand(gate: str, powers: tuple[int, ...]) -> None:
    """Components 0 and 2 share the first cell; the last cell's mass, 0.8, is scaled to 1."""
    fit = mixture(
        [-1.1, 1, -0.8],
        [np.log(0.4), np.log(0.8), np.log(0.6)],
        [1.3, -1.4, 0.9],
        [-0.7, 0.8, -0.4],
        [0.2, 0.15, 0.45],
    )
    errors = np.array([[0.1, 0.3, 0.2, 0.05], [0.2, 0.1, 0.1, 0.2]])
    mass = np.array([0.4, 0.6]) / 0.8
    expected = abs(mass.sum() - np.exp(0.3)) + 1.0 * 0.1
    expected += (mass * (errors ** np.array(powers)).sum(1)).sum()
    found = compare(fit, TRUE, gate)
    assert found.cell.tolist() == [[0, 1, 0]]
    assert found.loss[0] == pytest.approx(expected)
    assert found.errors["W"][0, 0] == pytest.approx(0.2)
    assert found.errors["a"][0] == pytest.approx([0.3, 0.1])
    assert found.weighted["a"][0] == pytest.approx([0.4 * 0.3 + 0.6 * 0.1, 0.1])
    assert found.lightest[0] == pytest.approx(0.4)


def test_three_in_a_cell_and_an_empty_one_by_hand() -> None:
    fit = mixture([-1.5] * 3, [0.0] * 3, [1] * 3, [-0.6] * 3, [0.26] * 3)
    found = compare(fit, TRUE, "laplace")
    total = np.exp(0.3) + 1  # the cell of the anchor is empty, so the whole mass is matched
    expected = abs(total - np.exp(0.3)) + 1.0 + total * (0.5**2 + 0.1**6 + 0.01**3)
    assert found.loss[0] == pytest.approx(expected)
    assert np.isnan(found.errors["W"][0, 1])
    assert np.isnan(found.errors["exp(beta)"]).all()


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("components", [2, 3])
def test_names_and_a_common_bias_do_not_matter(gate: str, components: int) -> None:
    truth = make_truth("identifiable", gate, seed=0).mixture
    fit = near(truth, components)
    before = compare(fit, truth, gate)
    order = torch.arange(components - 1, -1, -1)
    renamed = Mixture(*(part[:, order] for part in vars(fit).values()))
    heavier = replace(fit, bias=fit.bias + 1.7)
    for other in (renamed, heavier):
        after = compare(other, truth, gate)
        assert after.loss == pytest.approx(before.loss, rel=1e-10)
        for name, errors in before.errors.items():
            assert after.errors[name] == pytest.approx(errors, nan_ok=True), name
    assert len(np.unique(before.loss.round(6))) > 30


@pytest.mark.parametrize("gate", SHIFTING)
def test_a_common_shift_of_the_gate_does_not_matter(draw_mixture: Draw, gate: str) -> None:
    truth = make_truth("identifiable", gate, seed=0).mixture
    fit = draw_mixture(fits=40)
    bias = fit.bias
    if gate == "gaussian":  # -|W + s - x|^2 + beta': the change of |W|^2 is taken out of beta
        bias = bias + (fit.centre + 0.9).square().sum(2) - fit.centre.square().sum(2)
    shifted = replace(fit, centre=fit.centre + 0.9, bias=bias)
    before, after = compare(fit, truth, gate), compare(shifted, truth, gate)
    assert after.loss == pytest.approx(before.loss, rel=1e-9)


def test_ties_go_to_the_lower_cell() -> None:
    true = mixture([-1, 1], [0, 0], [0, 0], [0, 0], [1, 1])
    fit = mixture([0, 1], [0, 0], [0, 0], [0, 0], [1, 1])
    assert compare(fit, true, "laplace").cell.tolist() == [[0, 1]]


def test_top_k_takes_the_worst_cells(draw_mixture: Draw) -> None:
    fit = draw_mixture(fits=10, components=2)
    whole = compare(fit, TRUE, "laplace").loss
    worst = compare(fit, TRUE, "laplace", top_k=1).loss
    assert (worst <= whole).all() and (worst >= whole / 2 - 1e-12).all()
    assert compare(fit, TRUE, "laplace", top_k=2).loss == pytest.approx(whole)


def test_four_in_a_cell_are_refused() -> None:
    fit = mixture([-1] * 4 + [1], [0.0] * 5, [1.0] * 4 + [-1.5], [-0.5] * 4 + [0.8], [0.25] * 5)
    with pytest.raises(FleximodalError, match="holds 4 fitted components"):
        compare(fit, TRUE, "laplace")
