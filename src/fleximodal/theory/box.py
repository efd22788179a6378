"""The compact parameter space: a box, with what only a convention fixes held in place."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fleximodal.theory.gates import SHIFTING

BIAS = 5.0
LINEAR = 10.0  # slopes and intercepts of experts, weights of the softmax gate
VARIANCE = (1e-4, 1e2)


@dataclass(frozen=True)
class Box:
    """Bounds of packed parameters, each (P,); where both are equal to 0 a parameter is fixed."""

    low: Tensor
    high: Tensor

    def clip(self, vectors: Tensor) -> Tensor:
        """Return the nearest points of the box."""
        return torch.minimum(torch.maximum(vectors, self.low), self.high)

    def at_edge(self, vectors: Tensor) -> Tensor:
        """Return which parameters lie on a bound, fixed ones left out, (F, P)."""
        edge = (vectors <= self.low) | (vectors >= self.high)
        return edge & (self.low < self.high)

    def free(self, vectors: Tensor, gradient: Tensor) -> Tensor:
        """Return which parameters can follow an ascent `gradient` without leaving the box."""
        outward = ((vectors <= self.low) & (gradient <= 0)) | (
            (vectors >= self.high) & (gradient >= 0)
        )
        return ~outward


def make_box(gate: str, components: int, dimension: int, support: tuple[float, float]) -> Box:
    """Return the box for k components on inputs from `support` (the same in every dimension).

    |beta| is at most 5; a centre of the Laplace gate lies in twice the support, around the same
    middle; variances lie in [0.0001, 100], everything else in [-10, 10]. beta of the last
    component is 0, and so is its W under a gate that knows W only up to a common shift.
    """
    shifting = gate in SHIFTING
    middle, width = sum(support) / 2, support[1] - support[0]
    centres = (-LINEAR, LINEAR) if shifting else (middle - width, middle + width)
    log_variances = (math.log(VARIANCE[0]), math.log(VARIANCE[1]))
    bounds = []
    for side in (0, 1):
        centre = torch.full((components, dimension), centres[side], dtype=torch.float64)
        bias = torch.full((components,), (-BIAS, BIAS)[side], dtype=torch.float64)
        bias[-1] = 0.0
        if shifting:
            centre[-1] = 0.0
        lines = torch.full(
            (components * (dimension + 1),), (-LINEAR, LINEAR)[side], dtype=torch.float64
        )
        spread = torch.full((components,), log_variances[side], dtype=torch.float64)
        bounds.append(torch.cat([centre.flatten(), bias, lines, spread]))
    return Box(*bounds)
