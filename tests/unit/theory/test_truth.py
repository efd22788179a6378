"""Truths, samples of them, and starting points."""

import numpy as np
import pytest
import torch
from scipy import stats

from fleximodal.theory.gates import GATES
from fleximodal.theory.mixture import log_gates
from fleximodal.theory.truth import draw_samples, draw_starts, make_truth


def test_identifiable_centres_lie_inside_the_support_and_the_printed_ones_at_its_edge() -> None:
    inside = make_truth("identifiable", "laplace", seed=0)
    assert inside.mixture.centre.flatten().tolist() == [-1.0, 1.0]
    assert inside.mixture.log_variance.exp().flatten().tolist() == pytest.approx([0.25, 0.15])
    assert inside.support == (-3.0, 3.0)
    printed = make_truth("published", "laplace", seed=0)
    assert printed.mixture.centre.abs().max() < 0.5
    assert (printed.mixture.centre < 0).any(), "outside [0, 1]"


def test_printed_draw_has_the_printed_spread() -> None:
    parts = [
        [
            part.flatten()
            for part in vars(make_truth("published", "laplace", seed=s).mixture).values()
        ]
        for s in range(300)
    ]
    centre, bias, slope, intercept, log_variance = (
        torch.stack(column).numpy() for column in zip(*parts, strict=True)
    )
    assert centre.std() == pytest.approx(0.1, rel=0.1)
    assert bias[:, 0].std() == pytest.approx(0.1 * 2**0.5, rel=0.1), "a difference of two"
    assert slope.std() == pytest.approx(1, rel=0.1)
    assert intercept.std() == pytest.approx(1, rel=0.1)
    half_normal = stats.kstest(np.exp(log_variance).ravel(), stats.halfnorm.cdf)
    assert half_normal.pvalue > 0.01


@pytest.mark.parametrize("gate", GATES)
def test_samples_follow_the_density(gate: str) -> None:
    """The probability transform of y given x is uniform, in every part of the support."""
    truth = make_truth("identifiable", gate, seed=0)
    samples = draw_samples(truth, gate, size=4000, replicates=2, seed=3)
    one = truth.mixture.take(torch.zeros(2, dtype=torch.int64))
    shares = log_gates(one, samples.x, gate).exp()
    means = one.slope @ samples.x + one.intercept.unsqueeze(-1)
    z = (samples.y.unsqueeze(1) - means) / (0.5 * one.log_variance).exp().unsqueeze(-1)
    ranks = (shares * torch.special.ndtr(z)).sum(1).flatten().numpy()
    x = samples.x.flatten().numpy()
    for low in (-3, -1, 1):
        part = ranks[(x >= low) & (x < low + 2)]
        assert stats.kstest(part, "uniform").pvalue > 1e-3
    assert stats.kstest(x, stats.uniform(-3, 6).cdf).pvalue > 1e-3


def test_every_replicate_has_a_stream_of_its_own() -> None:
    truth = make_truth("identifiable", "laplace", seed=0)

    def draw(**changes: int) -> torch.Tensor:
        settings = {"size": 50, "replicates": 3, "seed": 1} | changes
        return draw_samples(truth, "laplace", **settings).y

    whole = draw()
    assert torch.equal(draw(replicates=2), whole[:2])
    assert not torch.equal(whole[0], whole[1])
    assert not torch.equal(draw(seed=2)[0], whole[0])
    assert not torch.equal(draw(size=60)[0, :50], whole[0])


def test_starts_put_a_label_in_every_cell_and_jitter_around_the_truth() -> None:
    truth = make_truth("identifiable", "laplace", seed=0)
    starts = draw_starts(
        truth,
        "laplace",
        components=3,
        size=10,
        replicates=50,
        starts=4,
        jitter=0.01,
        seed=0,
    )
    assert starts.bias.shape == (200, 3)
    label = (starts.centre[:, :, 0] > 0).sum(1)
    assert set(label.tolist()) == {1, 2}
    assert starts.centre.abs().sub(1).std() == pytest.approx(0.01, rel=0.1)
    first = draw_starts(
        truth, "laplace", components=3, size=10, replicates=50, starts=1, jitter=0.01, seed=0
    )
    assert torch.equal(first.pack(), starts.pack()[::4]), "more starts leave the first as it was"
