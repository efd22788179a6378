"""The model written out, one sample and one expert at a time, sharing nothing with the package."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def score(gate: str, centre: Floats, x: Floats) -> float:
    if gate == "softmax":
        return float(np.dot(centre, x))
    distance = math.sqrt(sum((w - v) ** 2 for w, v in zip(centre, x, strict=True)))
    return -distance if gate == "laplace" else -(distance**2)


def density(
    gate: str,
    parameters: tuple[Floats, ...],
    x: Floats,
    y: float,
    top_k: int | None = None,
) -> float:
    """Return p(y | x) of one mixture given as W (k, d), beta, a (k, d), b, nu."""
    centre, bias, slope, intercept, variance = parameters
    scores = [score(gate, w, x) for w in centre]
    kept = sorted(range(len(scores)), key=lambda i: -scores[i])[: top_k or len(scores)]
    weights = {i: math.exp(scores[i] + bias[i]) for i in kept}
    total = sum(weights.values())
    value = 0.0
    for i, weight in weights.items():
        mean = float(np.dot(slope[i], x) + intercept[i])
        normal = math.exp(-((y - mean) ** 2) / (2 * variance[i]))
        value += weight / total * normal / math.sqrt(2 * math.pi * variance[i])
    return value


def mean_log_density(
    gate: str,
    parameters: tuple[Floats, ...],
    x: Floats,
    y: Floats,
    top_k: int | None = None,
) -> float:
    """Return the mean log-likelihood of samples x (d, n) and y (n,)."""
    return float(
        np.mean([math.log(density(gate, parameters, x[:, i], y[i], top_k)) for i in range(len(y))])
    )
