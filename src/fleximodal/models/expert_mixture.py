"""Two-layer experts on the tokens routed to them, all experts in one product."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from fleximodal.models.gradient_memory import gradient_memory

# Rows of padding, for one row of work, up to which products of equal blocks win over ragged ones.
_PADDING = 0.75

# Added to what enters GELU where the hidden layer is dropped: GELU and its slope are exactly zero
# there, so that a draw costs no pass of its own, neither forward nor backward.
_DROPPED = -1e4


@dataclass(frozen=True)
class Rows:
    """Where the rows of each expert lie: one row for every token and expert it chose.

    Attributes
    ----------
    slot
        (R, N, K), row of each choice.
    token
        (rows,), token of each row, of R * N; 0 for padding.
    experts
        Number of experts E.
    ends
        (E,) int32, end of each expert's rows where these are ragged; None where each expert has
        ``rows / E`` rows, the last of them padding.
    """

    slot: Tensor
    token: Tensor
    experts: int
    ends: Tensor | None

    def counts(self) -> Tensor:
        """Return the number of rows of each expert where these are ragged, (E,)."""
        assert self.ends is not None
        return self.ends.diff(prepend=self.ends.new_zeros(1))

    def spread(self, values: Tensor) -> Tensor:
        """Return values (R, N, K) of choices as those of rows, zero for padding."""
        spread = values.new_zeros(len(self.token))
        return spread.index_put_((self.slot.flatten(),), values.flatten())


def ragged_products(weight1: Tensor, weight2: Tensor) -> bool:
    """Tell whether products over ragged rows are known to work for these weights."""
    widths = (*weight1.shape[1:], weight2.shape[2])
    fits = weight1.dtype == torch.float32 and all(width % 4 == 0 for width in widths)
    return fits and weight1.device.type == "cpu"


def arrange(chosen: Tensor, *, pools: int, per_pool: int, ragged: bool) -> Rows:
    """Give each choice a row, those of an expert next to each other in the order of tokens.

    Experts with about equal shares get equal blocks, filled up with padding: products of equal
    blocks run in parallel over experts. Others get as many rows as they have tokens.

    Parameters
    ----------
    chosen
        (R, N, K), experts chosen by R routers, numbered within a pool.
    pools
        1 if all routers share one pool of experts, else R.
    per_pool
        Experts of a pool.
    ragged
        False for equal blocks however unequal the shares are.
    """
    routers, tokens, kept = chosen.shape
    choices = chosen.numel()
    experts = pools * per_pool
    # A token chooses an expert once at most, so its row is the number of earlier tokens that did.
    uses = torch.zeros(routers * tokens, per_pool, dtype=torch.int32, device=chosen.device)
    uses = uses.scatter_(1, chosen.flatten(0, 1), 1).view(pools, -1, per_pool)
    upto = uses.cumsum(1, dtype=torch.int64)
    counts = upto[:, -1]
    within = upto.view(routers * tokens, per_pool).gather(1, chosen.flatten(0, 1)).sub_(1)

    rows = int(counts.max()) * experts
    ends = None
    if not ragged or rows <= (1 + _PADDING) * choices:
        first = torch.arange(0, rows, rows // experts, device=chosen.device).view(pools, -1)
    else:
        last = counts.flatten().cumsum(0)
        rows, ends = choices, last.to(torch.int32)
        first = last.view(pools, -1) - counts
    of_choice = first.expand(routers, -1).gather(1, chosen.flatten(1)).view_as(within)
    slot = of_choice.add_(within).view(routers, tokens, kept)
    token = torch.zeros(rows, dtype=torch.int64, device=chosen.device)
    numbers = torch.arange(routers * tokens, device=chosen.device).view(routers, tokens, 1)
    token.index_put_((slot.flatten(),), numbers.expand_as(slot).flatten())
    return Rows(slot, token, experts, ends)


class _ExpertOutputs(torch.autograd.Function):
    """Outputs of all rows; kept for the backward pass are both sides of GELU."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight1: Tensor,
        bias1: Tensor,
        weight2: Tensor,
        rows: Rows,
        dropped: Tensor | None,
    ) -> Tensor:
        tokens = x.index_select(0, rows.token)
        before = _first_layer(tokens, weight1, bias1, rows, dropped)
        hidden = F.gelu(before)
        ctx.save_for_backward(x, weight1, weight2, before, hidden)
        ctx.rows = rows
        return _product(hidden, weight2, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight1, weight2, before, hidden = ctx.saved_tensors
        rows = ctx.rows
        grad = grad.contiguous()
        grad_weight2 = _outer(hidden, grad, rows, weight2)
        slope = _product(grad, weight2.mT, rows)
        torch.ops.aten.gelu_backward.grad_input(slope, before, grad_input=slope)
        grad_weight1 = _outer(slope, x.index_select(0, rows.token), rows, weight1)
        grad_bias1 = _sum(slope, rows)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_rows = _product(slope, weight1, rows)
            grad_x = _gather(grad_rows, rows.slot.flatten(0, 1))
        return grad_x, grad_weight1, grad_bias1, grad_weight2, None, None


def _first_layer(
    tokens: Tensor, weight: Tensor, bias: Tensor, rows: Rows, dropped: Tensor | None
) -> Tensor:
    """Return ``tokens W + b`` for each row, far below zero where dropped."""
    if rows.ends is not None:
        before = F.grouped_mm(tokens, weight.mT, offs=rows.ends)
        before += bias.repeat_interleave(rows.counts(), 0, output_size=len(tokens))
        return before if dropped is None else before.add_(dropped, alpha=_DROPPED)
    blocks, start = tokens.view(rows.experts, -1, tokens.shape[1]), bias.unsqueeze(1)
    if dropped is None:
        return torch.baddbmm(start, blocks, weight.mT).flatten(0, 1)
    # The product is added in place to what would be a copy of the bias anyway.
    before = torch.add(start, dropped.view(rows.experts, -1, len(bias[0])), alpha=_DROPPED)
    return before.baddbmm_(blocks, weight.mT).flatten(0, 1)


def _product(a: Tensor, b: Tensor, rows: Rows) -> Tensor:
    """Return the rows of `a`, (rows, I), each times its matrix of `b`, (E, I, O)."""
    if rows.ends is not None:
        return F.grouped_mm(a, b, offs=rows.ends)
    return torch.bmm(a.view(rows.experts, -1, a.shape[1]), b).flatten(0, 1)


def _outer(a: Tensor, b: Tensor, rows: Rows, weight: Tensor) -> Tensor:
    """Return ``a.T @ b`` over each expert's rows, (E, I, O), the gradient of `weight`."""
    if rows.ends is not None:
        return F.grouped_mm(a.T, b, offs=rows.ends)
    a, b = (x.view(rows.experts, -1, x.shape[1]) for x in (a, b))
    return torch.bmm(a.mT, b, out=gradient_memory(weight))


def _sum(a: Tensor, rows: Rows) -> Tensor:
    """Return the sum over each expert's rows, (E, I)."""
    if rows.ends is None:
        return a.view(rows.experts, -1, a.shape[1]).sum(1)
    return torch.segment_reduce(a, "sum", lengths=rows.counts())


def _gather(values: Tensor, slots: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return ``sum_k weights[n, k] * values[slots[n, k]]`` for slots (N, K)."""
    return F.embedding_bag(slots, values, mode="sum", per_sample_weights=weights)


def expert_outputs(
    x: Tensor,
    weight1: Tensor,
    bias1: Tensor,
    weight2: Tensor,
    rows: Rows,
    dropped: Tensor | None = None,
) -> Tensor:
    """Return ``gelu(x[token] W1 + b1) W2`` for every row, with the expert of the row.

    Rows of padding hold the outputs for token 0; nothing must read them.

    Parameters
    ----------
    x
        (R * N, D), tokens.
    weight1, bias1, weight2
        (E, hidden, D), (E, hidden), (E, hidden, out).
    rows
        Whose rows are whose.
    dropped
        (rows, hidden), 1 where the hidden layer is dropped, else 0; None drops nothing. What is
        kept is not scaled.

    Returns
    -------
    Tensor
        (rows, out).
    """
    return _ExpertOutputs.apply(x, weight1, bias1, weight2, rows, dropped)


class _Combination(torch.autograd.Function):
    """Every row is read once, so its gradient is a copy and not a sum."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, weights: Tensor, rows: Rows) -> Tensor:
        ctx.save_for_backward(outputs, weights)
        ctx.rows = rows
        mixed = _gather(outputs, rows.slot.flatten(0, 1), weights.flatten(0, 1))
        return mixed.view(*weights.shape[:2], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        outputs, weights = ctx.saved_tensors
        rows = ctx.rows
        grad_outputs = grad.flatten(0, 1).index_select(0, rows.token)
        grad_weights = torch.linalg.vecdot(grad_outputs, outputs)[rows.slot]
        return grad_outputs.mul_(rows.spread(weights).unsqueeze(1)), grad_weights, None


def combine(outputs: Tensor, weights: Tensor, rows: Rows) -> Tensor:
    """Return the weighted sum over the choices of each router and token, (R, N, out).

    Parameters
    ----------
    outputs
        (rows, out).
    weights
        (R, N, K), weights of the choices.
    rows
        Whose rows are whose.
    """
    return _Combination.apply(outputs, weights, rows)
