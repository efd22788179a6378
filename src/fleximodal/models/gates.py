"""Gating functions and the noisy top-K router."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Gate = Literal["softmax", "gaussian", "laplace"]
GateOrder = Literal["topk_softmax", "softmax_topk"]

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
        (R, N, K), chosen experts, numbered within the router, by falling logit, and their weights;
        rows sum to 1, or to less where the softmax is taken before the choice.
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

    def where(self, chosen: Tensor, other: "Routing") -> "Routing":
        """Return the decisions on tokens where `chosen` (N,) holds, those of `other` elsewhere."""
        rows = chosen.unsqueeze(-1)
        return Routing(
            self.experts.where(rows, other.experts),
            self.weights.where(rows, other.weights),
            self.gates.where(rows, other.gates),
            self.clean.where(rows, other.clean),
            self.noisy.where(rows, other.noisy),
            None
            if self.scale is None or other.scale is None
            else self.scale.where(rows, other.scale),
        )

    def as_one_router(self, offset: int) -> "Routing":
        """Return the same decisions as those of one router on R N tokens, router after router.

        Parameters
        ----------
        offset
            Added to the numbers of the experts from each router to the next: 0 if all routers
            choose among the same experts.
        """
        routers, _, experts = self.gates.shape
        first = offset * torch.arange(routers, device=self.experts.device)
        chosen = (self.experts + first[:, None, None]).flatten(0, 1)[None]
        weights = self.weights.flatten(0, 1)[None]
        total = experts + offset * (routers - 1)
        gates = weights.new_zeros(*weights.shape[:2], total).scatter(-1, chosen, weights)
        clean, noisy = self.clean.flatten(0, 1)[None], self.noisy.flatten(0, 1)[None]
        scale = None if self.scale is None else self.scale.flatten(0, 1)[None]
        return Routing(chosen, weights, gates, clean, noisy, scale)


class NoisyTopKRouter(nn.Module):
    """R independent routers with noisy top-K gating (Shazeer et al. 2017).

    Unless told otherwise, gate and noise matrices start at zero, so that early routing is even: all
    experts tie and noise of standard deviation ``softplus(0) + 0.01`` decides.

    Parameters
    ----------
    routers
        Number of routers R. A single one also routes several sequences of tokens.
    input_width
        Width D of a token.
    experts
        Experts S per router.
    top_k
        Experts kept per token.
    gate
        Gating function.
    eval_noise
        NOTE[DIFF] Whether noise stays on in evaluation, as in the released code.
    temperature
        Logits are divided by this before noise is added. A softmax gate with temperature
        ``sqrt(D)`` is about as flat as a laplace gate.
    init_std
        Standard deviation of initial gate weights.
    init_bound
        Where positive, initial gate and noise weights are drawn evenly from minus this to this.
    order
        topk_softmax: weights are the softmax over the experts kept; softmax_topk: over all experts.
    register
        NOTE[DIFF] False, as in the released code for routers of single modalities: the matrices
        stay zero, are neither trained nor saved, and noise alone decides for good.

    Attributes
    ----------
    draw
        Makes the standard normal draws, (R, N, S), in the shape and kind of the tensor given.
    """

    gate_weight: Tensor
    noise_weight: Tensor

    def __init__(
        self,
        *,
        routers: int,
        input_width: int,
        experts: int,
        top_k: int,
        gate: Gate,
        eval_noise: bool = False,
        temperature: float = 1.0,
        init_std: float = 0.0,
        init_bound: float = 0.0,
        order: GateOrder = "topk_softmax",
        register: bool = True,
    ) -> None:
        super().__init__()
        self.gate: Gate = gate
        self.top_k = top_k
        self.eval_noise = eval_noise
        self.temperature = temperature
        self.order: GateOrder = order
        for name in ("gate_weight", "noise_weight"):
            zeros = torch.zeros(routers, input_width, experts)
            if register:
                self.register_parameter(name, nn.Parameter(zeros))
            else:
                self.register_buffer(name, zeros, persistent=False)
        if register and init_std:
            nn.init.normal_(self.gate_weight, std=init_std)
        if init_bound:
            for matrix in (self.gate_weight, self.noise_weight):
                nn.init.uniform_(matrix, -init_bound, init_bound)
        self.draw: Callable[[Tensor], Tensor] = torch.randn_like

    def forward(self, x: Tensor, assigned: Tensor | None = None) -> Routing:
        """Route tokens.

        Parameters
        ----------
        x
            (R, N, D).
        assigned
            (N,), an expert that each token gets in any case, in the place of the weakest of those
            chosen; -1 for tokens that have none. None if no token has.
        """
        clean = gate_logits(self.gate, x, self.gate_weight) / self.temperature
        noisy, scale = clean, None
        if self.training or self.eval_noise:
            scale = F.softplus(x @ self.noise_weight) + NOISE_FLOOR
            noisy = clean + self.draw(clean) * scale
        kept, experts = noisy.topk(self.top_k, dim=-1)
        if assigned is not None:
            experts = _with(experts, assigned)
            kept = noisy.gather(-1, experts)
        if self.order == "softmax_topk":
            weights = noisy.softmax(-1).gather(-1, experts)
        else:
            weights = kept.softmax(-1)
        gates = torch.zeros_like(noisy).scatter(-1, experts, weights)
        return Routing(experts, weights, gates, clean, noisy, scale)


def _with(experts: Tensor, assigned: Tensor) -> Tensor:
    """Return the choices (R, N, K) with the assigned experts (N,) among them."""
    wanted = assigned.unsqueeze(-1)
    lacking = (assigned >= 0) & ~(experts == wanted).any(-1)
    last = torch.where(lacking, assigned, experts[..., -1])
    return torch.cat([experts[..., :-1], last.unsqueeze(-1)], -1)
