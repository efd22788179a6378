"""Expected total variation between fitted and true densities, by quadrature."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fleximodal.theory.mixture import Mixture, log_density

NODES = 48  # inputs: Gauss-Legendre nodes for d = 1
SOBOL = 128  # inputs: points of a Sobol sequence for d > 1
POINTS = 1025  # outputs: points of the trapezoidal rule
REACH = 8.0  # standard deviations beyond the outermost mean
AT_ONCE = 2  # fits worked on at a time


def expected_variation(
    fitted: Mixture,
    truth: Mixture,
    gate: str,
    support: tuple[float, float],
    top_k: int | None = None,
) -> NDArray[np.float64]:
    """Return E_X of half the integral of |p - p*| over y, (F,); X is uniform on the support."""
    x, weights = _inputs(fitted.dimension, support)
    values = []
    for begin in range(0, len(fitted.bias), AT_ONCE):
        part = fitted.take(torch.arange(begin, min(begin + AT_ONCE, len(fitted.bias))))
        values.append(_variation(part, truth, gate, top_k, x) @ weights)
    return torch.cat(values).numpy()


def _variation(fitted: Mixture, truth: Mixture, gate: str, top_k: int | None, x: Tensor) -> Tensor:
    """Return the total variation at every input of x (d, m), (F, m)."""
    fits, nodes = len(fitted.bias), x.shape[1]
    ends = [_range(fitted, x), _range(truth, x)]
    low = torch.minimum(ends[0][0], ends[1][0])
    high = torch.maximum(ends[0][1], ends[1][1])
    step = (high - low) / (POINTS - 1)
    y = low.unsqueeze(-1) + step.unsqueeze(-1) * torch.arange(POINTS, dtype=x.dtype)
    inputs = x.unsqueeze(-1).expand(-1, -1, POINTS).flatten(1).unsqueeze(0)
    inputs = inputs.expand(fits, -1, -1)
    everywhere = truth.take(torch.zeros(fits, dtype=torch.int64))
    ours = log_density(fitted, inputs, y.flatten(1), gate, top_k).exp()
    theirs = log_density(everywhere, inputs, y.flatten(1), gate, top_k).exp()
    difference = (ours - theirs).abs().reshape(fits, nodes, POINTS)
    return 0.5 * torch.trapezoid(difference, dim=-1) * step


def _range(mixture: Mixture, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the density at every input begins and ends, (F, m) each."""
    means = mixture.slope @ x + mixture.intercept.unsqueeze(-1)
    reach = REACH * (0.5 * mixture.log_variance).exp().unsqueeze(-1)
    return (means - reach).amin(1), (means + reach).amax(1)


def _inputs(dimension: int, support: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Return inputs (d, m) and their weights, which sum to 1, (m,)."""
    low, high = support
    if dimension == 1:
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        spread = torch.from_numpy(nodes)[None] * (high - low) / 2 + (high + low) / 2
        return spread, torch.from_numpy(weights / 2)
    engine = torch.quasirandom.SobolEngine(dimension)
    points = engine.draw(SOBOL, dtype=torch.float64).T
    return low + (high - low) * points, torch.full((SOBOL,), 1 / SOBOL, dtype=torch.float64)
