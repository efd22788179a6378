"""The two true mixtures, their samples, and starting points near them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fleximodal.theory.gates import GATES, SHIFTING
from fleximodal.theory.likelihood import Samples
from fleximodal.theory.mixture import Mixture, log_gates

Floats = NDArray[np.float64]
# Streams of random numbers; a new one may be added, but none may change its number.
TRUTH, DATA, STARTS = 0, 1, 2
COMPONENTS = 2  # k* of both configurations
SMALLEST_VARIANCE = 1e-3  # of a starting point


@dataclass(frozen=True)
class Truth:
    """A true mixture (one row) and the interval its inputs are uniform on, in each dimension."""

    mixture: Mixture
    support: tuple[float, float]


def make_truth(configuration: str, gate: str, *, seed: int, dimension: int = 1) -> Truth:
    """Return the truth of a configuration.

    Parameters
    ----------
    configuration
        "identifiable": d = 1, centres -1 and 1 inside the support [-3, 3].
        "published": one draw as printed (FuseMoE, appendix I): W and beta from N(0, 0.01 / d), a
        and b from N(0, 1 / d), nu = |N(0, 1 / d)|, inputs from [0, 1]. The draw itself, and d, are
        not printed; ours is that of `seed`.
    gate
        Under a gate that knows W only up to a shift, the same centres are moved so that the last
        one is 0.
    seed, dimension
        Of the published draw.
    """
    if configuration == "identifiable":
        drawn = _mixture([[-1.0], [1.0]], [0.3, 0.0], [[1.0], [-1.5]], [-0.5, 0.8], [0.25, 0.15])
        return Truth(anchored(drawn, gate), (-3.0, 3.0))
    random = _generator(seed, TRUTH)
    k, d = COMPONENTS, dimension
    centre, bias = random.normal(0, 0.1 / d**0.5, (k, d)), random.normal(0, 0.1 / d**0.5, k)
    slope, intercept = random.normal(0, 1 / d**0.5, (k, d)), random.normal(0, 1 / d**0.5, k)
    variance = np.abs(random.normal(0, 1 / d**0.5, k))
    drawn = _mixture(centre, bias - bias[-1], slope, intercept, variance)
    return Truth(anchored(drawn, gate), (0.0, 1.0))


def anchored(mixture: Mixture, gate: str) -> Mixture:
    """Return the same densities with beta of the last expert 0, and its W too where W may shift."""
    centre, bias = mixture.centre, mixture.bias
    if gate == "gaussian":
        # -|W - x|^2 + beta is 2 W x + (beta - |W|^2) but for |x|^2, which cancels.
        moved = centre - centre[:, -1:]
        bias = bias - centre.square().sum(2) + moved.square().sum(2)
        centre = moved
    elif gate in SHIFTING:
        centre = centre - centre[:, -1:]
    bias = bias - bias[:, -1:]
    return Mixture(centre, bias, mixture.slope, mixture.intercept, mixture.log_variance)


def draw_samples(
    truth: Truth,
    gate: str,
    *,
    size: int,
    replicates: int,
    seed: int,
    top_k: int | None = None,
) -> Samples:
    """Draw the data of all replicates; each has a stream of its own, whatever else is drawn."""
    d = truth.mixture.dimension
    x = np.empty((replicates, d, size))
    uniform, normal = np.empty((replicates, size)), np.empty((replicates, size))
    for replicate in range(replicates):
        random = _generator(seed, DATA, GATES.index(gate), size, replicate)
        x[replicate] = random.uniform(*truth.support, (d, size))
        uniform[replicate], normal[replicate] = random.random(size), random.normal(size=size)
    inputs = torch.from_numpy(x)
    one = truth.mixture.take(torch.zeros(replicates, dtype=torch.int64))
    shares = log_gates(one, inputs, gate, top_k).exp().cumsum(1)
    # The last share is 1 but for rounding, so it is not asked.
    expert = (torch.from_numpy(uniform).unsqueeze(1) > shares[:, :-1]).sum(1, keepdim=True)
    means = one.slope @ inputs + one.intercept.unsqueeze(-1)
    deviation = (0.5 * one.log_variance).exp().unsqueeze(-1).expand_as(means)
    noise = torch.from_numpy(normal) * deviation.gather(1, expert).squeeze(1)
    return Samples(inputs, means.gather(1, expert).squeeze(1) + noise)


def draw_starts(
    truth: Truth,
    gate: str,
    *,
    components: int,
    size: int,
    replicates: int,
    starts: int,
    jitter: float,
    seed: int,
) -> Mixture:
    """Draw starting points as the paper does: labels over the true cells, then jitter.

    The k labels are dealt at random over the k* true components so that each has one; each
    parameter is normal around its true value.

    Returns
    -------
    Mixture
        `replicates` times `starts` rows, all starts of a replicate together.
    """
    true = [part[0].numpy() for part in vars(truth.mixture).values()]
    true[-1] = np.exp(true[-1])
    rows = []
    for replicate in range(replicates):
        for start in range(starts):
            key = (GATES.index(gate), components, size, replicate, start)
            random = _generator(seed, STARTS, *key)
            labels = _deal(components, len(true[1]), random)
            rows.append([part[labels] for part in true])
            for part in rows[-1]:
                part += random.normal(0, jitter, part.shape)
    stacked = [np.stack(parts) for parts in zip(*rows, strict=True)]
    stacked[-1] = np.maximum(stacked[-1], SMALLEST_VARIANCE)
    return anchored(_batch(stacked), gate)


def _deal(components: int, cells: int, random: np.random.Generator) -> NDArray[np.int64]:
    rest = random.integers(cells, size=components - cells)
    return random.permutation(np.concatenate([np.arange(cells), rest]))


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _mixture(*parts: Sequence[float] | Sequence[Sequence[float]] | Floats) -> Mixture:
    return _batch([np.asarray(part, dtype=np.float64)[None] for part in parts])


def _batch(parts: Sequence[Floats]) -> Mixture:
    """Return mixtures from W, beta, a, b and nu, each with a leading axis of mixtures."""
    centre, bias, slope, intercept, variance = map(torch.from_numpy, parts)
    return Mixture(centre, bias, slope, intercept, variance.log())
