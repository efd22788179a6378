"""Gating functions and the noisy top-K router."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Gate = Literal["softmax", "gaussian", "laplace"]

NOISE_FLOOR = 1e-2


def gate_logits(gate: Gate, x: Tensor, centres: Tensor) -> Tensor:
    """Return the logits of equations 1 to 3, up to a constant per token.

    softmax ``x W``; gaussian ``-|W_i - x|^2 + |x|^2 = 2 x W_i - |W_i|^2``; laplace
    ``-|W_i - x| + |x|``. The added ``|x|^2`` and ``|x|`` are the same for all experts, so they
    cancel in choice, weights and losses, and single precision keeps the digits that matter when
    tokens are much longer than centres. The laplace difference is evaluated as
    ``(2 x W_i - |W_i|^2) / (|W_i - x| + |x|)``, which is exact.

    Parameters
    ----------
    gate
        Gating function.
    x
        (R, N, D), tokens of R routers.
    centres
        (R, D, S), one column per expert.

    Returns
    -------
    Tensor
        (R, N, S).
    """
    product = x @ centres
    if gate == "softmax":
        return product
    closeness = 2 * product - centres.square().sum(-2, keepdim=True)
    if gate == "gaussian":
        return closeness
    square = x.square().sum(-1, keepdim=True)
    tiny = torch.finfo(x.dtype).tiny
    # Without the bound the root has an infinite slope where token and centre coincide.
    distance = (square - closeness).clamp_min(tiny).sqrt()
    return closeness / (distance + square.clamp_min(tiny).sqrt())


@dataclass
class Routing:
    """Decisions of R routers on N tokens each, S experts per router, K kept.

    Attributes
    ----------
    experts, weights
        (R, N, K), chosen experts, numbered within the router, and their weights (rows sum to 1).
    gates
        (R, N, S), the same weights with zeros in between.
    clean, noisy
        (R, N, S), logits without and with noise.
    scale
        (R, N, S), standard deviation of the noise; None where there was none.
    """

    experts: Tensor
    weights: Tensor
    gates: Tensor
    clean: Tensor
    noisy: Tensor
    scale: Tensor | None

    def of_tokens(self, tokens: Tensor) -> "Routing":
        """Return the decisions on some of the tokens, given by their numbers."""
        return Routing(
            self.experts[:, tokens],
            self.weights[:, tokens],
            self.gates[:, tokens],
            self.clean[:, tokens],
            self.noisy[:, tokens],
            None if self.scale is None else self.scale[:, tokens],
        )


class NoisyTopKRouter(nn.Module):
    """R independent routers with noisy top-K gating (Shazeer et al. 2017).

    Gate and noise matrices are parameters and start at zero, so that early routing is even: all
    experts tie and noise of standard deviation ``softplus(0) + 0.01`` decides.

    Parameters
    ----------
    routers
        Number of routers R.
    input_width
        Width D of a token.
    experts
        Experts S per router.
    top_k
        Experts kept per token.
    gate
        Gating function.
    eval_noise
        Whether noise stays on in evaluation, as in the released code.

    Attributes
    ----------
    draw
        Makes the standard normal draws, (R, N, S), in the shape and kind of the tensor given.
    """

    def __init__(
        self,
        *,
        routers: int,
        input_width: int,
        experts: int,
        top_k: int,
        gate: Gate,
        eval_noise: bool = False,
    ) -> None:
        super().__init__()
        self.gate: Gate = gate
        self.top_k = top_k
        self.eval_noise = eval_noise
        self.gate_weight = nn.Parameter(torch.zeros(routers, input_width, experts))
        self.noise_weight = nn.Parameter(torch.zeros(routers, input_width, experts))
        self.draw: Callable[[Tensor], Tensor] = torch.randn_like

    def forward(self, x: Tensor) -> Routing:
        """Route tokens (R, N, D)."""
        clean = gate_logits(self.gate, x, self.gate_weight)
        noisy, scale = clean, None
        if self.training or self.eval_noise:
            scale = F.softplus(x @ self.noise_weight) + NOISE_FLOOR
            noisy = clean + self.draw(clean) * scale
        kept, experts = noisy.topk(self.top_k, dim=-1)
        weights = kept.softmax(-1)
        gates = torch.zeros_like(noisy).scatter(-1, experts, weights)
        return Routing(experts, weights, gates, clean, noisy, scale)
