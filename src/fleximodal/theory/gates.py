"""Scores of the three gates, and their derivatives by the gate's centres."""

import torch
from torch import Tensor

GATES = ("laplace", "softmax", "gaussian")
# Gates whose centres are known only up to a common shift: the last one is held fixed.
SHIFTING = ("softmax", "gaussian")
SMALLEST = 1e-12  # the distance by which a derivative is divided is never less


def affinities(centre: Tensor, x: Tensor, gate: str) -> tuple[Tensor, Tensor]:
    """Return the scores without their biases and the derivatives by the centres.

    Parameters
    ----------
    centre
        (F, k, d).
    x
        (F, d, n).
    gate
        "softmax": W x; "laplace": -|W - x|; "gaussian": -|W - x|^2 (FuseMoE, equations 1 to 3).

    Returns
    -------
    tuple
        Scores (F, k, n), and derivatives (F, k, d, n), or (F, 1, d, n) where they are the same
        for all experts.
    """
    if gate == "softmax":
        return centre @ x, x.unsqueeze(1)
    difference = x.unsqueeze(1) - centre.unsqueeze(-1)
    if gate == "gaussian":
        return -difference.square().sum(2), 2 * difference
    if gate == "laplace":
        if difference.shape[2] == 1:
            return -difference.abs().squeeze(2), difference.sign()
        distance = torch.linalg.vector_norm(difference, dim=2)
        return -distance, difference / distance.clamp_min(SMALLEST).unsqueeze(2)
    raise ValueError(f"unknown gate {gate!r}; one of {', '.join(GATES)}")


def outside_top(affinity: Tensor, top_k: int | None) -> Tensor | None:
    """Return where an expert is not among the `top_k` nearest, (F, k, n); None if all are kept.

    The bias has no part in the choice (reconstructed from arXiv 2309.13850, see docs/theory.md).
    """
    if top_k is None or top_k >= affinity.shape[1]:
        return None
    kept = affinity.topk(top_k, dim=1).indices
    return torch.ones_like(affinity, dtype=torch.bool).scatter_(1, kept, False)


def gate_scores(
    centre: Tensor, bias: Tensor, x: Tensor, gate: str, top_k: int | None = None
) -> Tensor:
    """Return the logits of the gate, (F, k, n); -inf outside the `top_k` nearest experts."""
    affinity, _ = affinities(centre, x, gate)
    scores = affinity + bias.unsqueeze(-1)
    outside = outside_top(affinity, top_k)
    return scores if outside is None else scores.masked_fill(outside, -torch.inf)
