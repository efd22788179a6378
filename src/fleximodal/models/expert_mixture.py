"""Weighted sum of two-layer experts, one expert at a time, with a hand-written backward pass."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# Activations of one block, in numbers: small enough to stay in the cache of a core between the
# two products of an expert.
_BLOCK = 1 << 18


class _ExpertMixture(torch.autograd.Function):
    """All work on a block of rows of one expert is done before the next block is touched."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        shares: Tensor,
        weight1: Tensor,
        bias1: Tensor,
        weight2: Tensor,
        source: Tensor,
        target: Tensor,
        counts: list[int],
        size: int,
        mask: Callable[[Tensor], Tensor | None],
    ) -> Tensor:
        result = x.new_zeros(size, weight2.shape[2])
        kept: list[tuple[Tensor, Tensor | None]] = []
        for expert, rows in _blocks(counts, weight1.shape[1]):
            tokens = x.index_select(0, source[rows])
            before = torch.addmm(bias1[expert], tokens, weight1[expert].T)
            hidden = F.gelu(before)
            factor = mask(hidden)
            if factor is not None:
                hidden.mul_(factor)
            hidden.mul_(shares[rows])
            result.index_add_(0, target[rows], hidden @ weight2[expert])
            kept.append((before, factor))
        ctx.save_for_backward(x, shares, weight1, weight2, source, target)
        ctx.counts, ctx.kept = counts, kept
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, shares, weight1, weight2, source, target = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x, grad_shares = torch.zeros_like(x), torch.zeros_like(shares)
        grad_weight1, grad_weight2 = torch.empty_like(weight1), torch.empty_like(weight2)
        grad_bias1 = x.new_zeros(weight1.shape[:2])
        last = -1
        blocks = _blocks(ctx.counts, weight1.shape[1])
        for (expert, rows), (before, factor) in zip(blocks, ctx.kept, strict=True):
            share = shares[rows]
            tokens = x.index_select(0, source[rows])
            after = grad.index_select(0, target[rows])
            hidden = F.gelu(before)
            slope = after @ weight2[expert].T
            if factor is not None:
                hidden.mul_(factor)
            torch.linalg.vecdot(slope, hidden, out=grad_shares[rows].squeeze(1))
            slope.mul_(share)
            if factor is not None:
                slope.mul_(factor)
            slope = torch.ops.aten.gelu_backward(slope, before)
            # The first block of an expert overwrites, later ones add.
            beta = 1 if expert == last else 0
            hidden.mul_(share)
            grad_weight2[expert].addmm_(hidden.T, after, beta=beta)
            grad_weight1[expert].addmm_(slope.T, tokens, beta=beta)
            grad_bias1[expert] += slope.sum(0)
            grad_x.index_add_(0, source[rows], slope @ weight1[expert])
            last = expert
        for expert, count in enumerate(ctx.counts):
            if not count:
                grad_weight1[expert].zero_()
                grad_weight2[expert].zero_()
        return (grad_x, grad_shares, grad_weight1, grad_bias1, grad_weight2, *[None] * 5)


def _blocks(counts: list[int], hidden: int) -> Iterator[tuple[int, slice]]:
    length, start = max(1, _BLOCK // hidden), 0
    for expert, count in enumerate(counts):
        for first in range(start, start + count, length):
            yield expert, slice(first, min(first + length, start + count))
        start += count


def expert_mixture(
    x: Tensor,
    shares: Tensor,
    weight1: Tensor,
    bias1: Tensor,
    weight2: Tensor,
    *,
    source: Tensor,
    target: Tensor,
    counts: list[int],
    size: int,
    mask: Callable[[Tensor], Tensor | None],
) -> Tensor:
    """Return ``result[target[a]] += shares[a] * dropout(gelu(x[source[a]] W1 + b1)) W2``.

    Row a belongs to the expert whose segment it lies in; the sum runs over all rows.

    Parameters
    ----------
    x
        (N', D), tokens.
    shares
        (A, 1), weights of the rows.
    weight1, bias1, weight2
        (E, hidden, D), (E, hidden), (E, hidden, out).
    source, target
        (A,), token that a row reads and row of the result that it adds to.
    counts
        Rows of each expert, in order; they add up to A.
    size
        Rows of the result.
    mask
        Given a tensor, returns factors of its shape (dropout), or None.

    Returns
    -------
    Tensor
        (size, out).
    """
    return _ExpertMixture.apply(
        x, shares, weight1, bias1, weight2, source, target, counts, size, mask
    )
