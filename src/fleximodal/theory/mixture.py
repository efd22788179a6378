"""A batch of mixtures: parameters of equal shape side by side, and their density."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fleximodal.theory.gates import gate_scores

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Mixture:
    """F Gaussian mixtures of k experts on inputs of dimension d (FuseMoE, equation 5).

    Attributes
    ----------
    centre
        W, (F, k, d): gate centres, or for the softmax gate its weights.
    bias
        beta, (F, k).
    slope
        a, (F, k, d).
    intercept
        b, (F, k).
    log_variance
        log nu, (F, k).
    """

    centre: Tensor
    bias: Tensor
    slope: Tensor
    intercept: Tensor
    log_variance: Tensor

    @property
    def components(self) -> int:
        """Return k."""
        return self.bias.shape[1]

    @property
    def dimension(self) -> int:
        """Return d."""
        return self.centre.shape[2]

    def pack(self) -> Tensor:
        """Return all parameters as one vector each, (F, k (2 d + 3))."""
        return torch.cat([part.flatten(1) for part in vars(self).values()], dim=1)

    def take(self, index: Tensor) -> "Mixture":
        """Return the mixtures at these places."""
        return Mixture(*(part[index] for part in vars(self).values()))


def unpack(vectors: Tensor, components: int, dimension: int) -> Mixture:
    """Return the mixtures of which `pack` made these vectors."""
    sizes = [components * dimension, components] * 2 + [components]
    centre, bias, slope, intercept, log_variance = vectors.split(sizes, dim=1)
    shape = (len(vectors), components, dimension)
    return Mixture(centre.reshape(shape), bias, slope.reshape(shape), intercept, log_variance)


def log_experts(mixture: Mixture, x: Tensor, y: Tensor) -> Tensor:
    """Return log N(y; a x + b, nu) of every expert, (F, k, n), for x (F, d, n) and y (F, n)."""
    residual = y.unsqueeze(1) - mixture.slope @ x - mixture.intercept.unsqueeze(-1)
    spread = mixture.log_variance.unsqueeze(-1)
    return -0.5 * (residual.square() * torch.exp(-spread) + spread + LOG_2PI)


def log_gates(mixture: Mixture, x: Tensor, gate: str, top_k: int | None = None) -> Tensor:
    """Return log pi of every expert, (F, k, n); -inf outside the `top_k` nearest."""
    return torch.log_softmax(gate_scores(mixture.centre, mixture.bias, x, gate, top_k), dim=1)


def log_density(
    mixture: Mixture, x: Tensor, y: Tensor, gate: str, top_k: int | None = None
) -> Tensor:
    """Return log p(y | x), (F, n).

    Parameters
    ----------
    mixture
        F mixtures.
    x, y
        Inputs (F, d, n) and outputs (F, n).
    gate
        "laplace", "softmax" or "gaussian".
    top_k
        Number of experts kept per input; None keeps all.
    """
    joint = log_gates(mixture, x, gate, top_k) + log_experts(mixture, x, y)
    return torch.logsumexp(joint, dim=1)
