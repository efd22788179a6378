"""EM and polish: never down, ordinary least squares, an independent optimiser, the box."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from fleximodal.theory.box import Box, make_box
from fleximodal.theory.em import run_em
from fleximodal.theory.fit import fit_size
from fleximodal.theory.gates import GATES
from fleximodal.theory.likelihood import Likelihood, Samples
from fleximodal.theory.mixture import unpack
from fleximodal.theory.quasi_newton import polish
from fleximodal.theory.settings import Theory
from fleximodal.theory.truth import Truth, draw_samples, draw_starts, make_truth
from tests.unit.theory.reference import Floats

EM = {"tolerance": 1e-8, "iterations": 400}
POLISH = {"tolerance": 1e-11, "evaluations": 2000}


def begin(truth: Truth, gate: str, samples: Samples, components: int, jitter: float = 0.3):
    replicates = len(samples.y)
    start = draw_starts(
        truth,
        gate,
        components=components,
        size=samples.size,
        replicates=replicates,
        starts=1,
        jitter=jitter,
        seed=1,
    )
    box = make_box(gate, components, truth.mixture.dimension, truth.support)
    return start, torch.arange(replicates), box


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("top_k", [None, 2])
def test_likelihood_never_falls_in_em(gate: str, top_k: int | None) -> None:
    truth = make_truth("identifiable", gate, seed=0)
    samples = draw_samples(truth, gate, size=200, replicates=4, seed=2, top_k=top_k)
    start, replicate, box = begin(truth, gate, samples, 3, jitter=1.0)
    likelihood = Likelihood(samples, gate, top_k)
    values = [likelihood.statistics(unpack(box.clip(start.pack()), 3, 1), replicate).value]
    for iterations in range(1, 25):
        em = run_em(likelihood, start, replicate, box, tolerance=0.0, iterations=iterations)
        values.append(em.value)
        again = likelihood.statistics(em.mixture, replicate).value
        assert torch.allclose(em.value, again, atol=1e-13)
    path = torch.stack(values)
    assert (path.diff(dim=0) >= 0).all()
    assert (path[-1] > path[0] + 1e-3).all()


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("dimension", [1, 2])
def test_one_component_is_ordinary_least_squares(gate: str, dimension: int) -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(2, dimension, 80))
    y = random.normal(size=(2, 80)) + 1.5 * x[:, 0] - 0.4
    samples = Samples(torch.from_numpy(x), torch.from_numpy(y))
    start = unpack(torch.full((2, 2 * dimension + 3), 0.2, dtype=torch.float64), 1, dimension)
    box = make_box(gate, 1, dimension, (-3.0, 3.0))
    likelihood, replicate = Likelihood(samples, gate), torch.arange(2)
    ends = [
        run_em(likelihood, start, replicate, box, **EM).mixture,
        polish(likelihood, start, replicate, box, tolerance=1e-13, evaluations=500).mixture,
    ]
    for end, tolerance in zip(ends, (1e-9, 1e-5), strict=True):
        for fit in range(2):
            design = np.column_stack([x[fit].T, np.ones(80)])
            line, residual, *_ = np.linalg.lstsq(design, y[fit], rcond=None)
            found = torch.cat([end.slope[fit, 0], end.intercept[fit]]).numpy()
            assert found == pytest.approx(line, abs=tolerance)
            variance = float(end.log_variance[fit, 0].exp())
            assert variance == pytest.approx(residual[0] / 80, abs=tolerance)


def free_vector(whole: Floats, box: Box, vector: Floats) -> Floats:
    """Put the free parameters into a whole vector."""
    filled = whole.copy()
    filled[(box.low < box.high).numpy()] = vector
    return filled


def plain_value(vector: Floats, x: Floats, y: Floats, gate: str, components: int) -> float:
    """Return the mean log-likelihood for d = 1, in numpy."""
    w, beta, a, b, log_nu = np.split(vector, 5)
    scores = np.outer(w, x) if gate == "softmax" else -np.abs(w[:, None] - x)
    scores = scores + beta[:, None]
    residual = y - a[:, None] * x - b[:, None]
    normal = -0.5 * (residual**2 * np.exp(-log_nu)[:, None] + (log_nu + np.log(2 * np.pi))[:, None])
    top = np.logaddexp.reduce(scores + normal, axis=0)
    return float(np.mean(top - np.logaddexp.reduce(scores, axis=0)))


@pytest.mark.parametrize("gate", ["softmax", "laplace"])
def test_an_independent_optimiser_finds_nothing_better_nearby(gate: str) -> None:
    truth = make_truth("identifiable", gate, seed=0)
    samples = draw_samples(truth, gate, size=400, replicates=3, seed=6)
    start, replicate, box = begin(truth, gate, samples, 2)
    likelihood = Likelihood(samples, gate)
    ours = polish(likelihood, start, replicate, box, **POLISH)
    assert ours.converged.all()
    for fit in range(3):
        whole = ours.mixture.pack()[fit].numpy()
        x, y = samples.x[fit, 0].numpy(), samples.y[fit].numpy()
        assert plain_value(whole, x, y, gate, 2) == pytest.approx(float(ours.value[fit]), rel=1e-12)
        place = whole[(box.low < box.high).numpy()]
        theirs = minimize(
            lambda v, x=x, y=y, whole=whole: (
                -plain_value(free_vector(whole, box, v), x, y, gate, 2)
            ),
            place + 0.02,
            method="Powell",
            options={"xtol": 1e-8, "ftol": 1e-12, "maxfev": 6000},
        )
        # In total log-likelihood. The Laplace gate has a kink, and so a small local maximum, at
        # many inputs; which of two neighbours is found is worth a small part of a unit.
        more = 1e-6 if gate == "softmax" else 0.2
        assert -theirs.fun * 400 <= float(ours.value[fit]) * 400 + more
        if gate == "softmax":
            assert theirs.x == pytest.approx(place, abs=5e-3)


def test_polish_does_not_lose_and_stays_in_the_box(truth: Truth, samples: Samples) -> None:
    start, replicate, box = begin(truth, "laplace", samples, 4, jitter=1.0)
    likelihood = Likelihood(samples, "laplace")
    em = run_em(likelihood, start, replicate, box, **EM)
    end = polish(likelihood, em.mixture, replicate, box, **POLISH)
    assert (end.value >= em.value).all()
    vectors = end.mixture.pack()
    assert (vectors >= box.low).all() and (vectors <= box.high).all()
    assert (end.mixture.bias[:, -1] == 0).all()
    narrow = Box(box.low.clone(), box.high.clone())
    narrow.high[0] = -1.5  # the first centre is held away from where it would go
    narrow.low[0] = -1.7
    held = polish(likelihood, em.mixture, replicate, narrow, **POLISH)
    assert narrow.at_edge(held.mixture.pack())[:, 0].any()
    assert (held.mixture.pack() <= narrow.high).all()
    assert held.converged.all()


def test_too_few_evaluations_are_counted_not_dropped(truth: Truth, samples: Samples) -> None:
    found = fit_size(truth, "laplace", samples, 3, Theory(evaluations=3, starts=2))
    assert found.numbers["converged"].sum() == 0
    assert found.numbers["starts_not_converged"].tolist() == [2, 2, 2]
    assert np.isfinite(found.comparison.loss).all()


def test_the_likeliest_start_is_kept(truth: Truth, samples: Samples) -> None:
    one = fit_size(truth, "laplace", samples, 3, Theory(starts=1))
    four = fit_size(truth, "laplace", samples, 3, Theory(starts=4))
    assert (four.numbers["value"] >= one.numbers["value"]).all()
    assert (four.numbers["value"] > four.numbers["value_of_truth"]).all()
    assert four.numbers["start"].max() > 0
    mixture = Likelihood(samples, "laplace").statistics(four.mixture, torch.arange(3))
    assert mixture.value.numpy() == pytest.approx(four.numbers["value"], abs=1e-13)
