"""Means of channels under shared attention scores, each over the rows that it was observed at."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class _ChannelMeans(torch.autograd.Function):
    """Two products over all channels at once, with a hand-written backward pass.

    The means do not change if all weights of a grid point are multiplied by one number, so the
    weights' gradient is orthogonal to them and a softmax needs no correction in its backward pass.
    """

    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        keys: Tensor,
        value: Tensor,
        mask: Tensor,
        kept: Tensor | None,
        scale: float,
    ) -> tuple[Tensor, Tensor]:
        batch, heads, rows, width = keys.shape
        queries = queries.expand(batch, *queries.shape).reshape(batch * heads, -1, width)
        keys = keys.reshape(batch * heads, rows, width)
        weights = torch.bmm(queries, keys.mT).softmax(-1).view(batch, -1, rows)
        seen = value * mask
        if kept is None:
            sums, total = torch.bmm(weights, torch.cat([seen, mask], -1)).chunk(2, -1)
        else:
            seen.mul_(scale)
            sums, total = torch.bmm(weights * kept, seen), torch.bmm(weights, mask)
        ever = mask.sum(1, keepdim=True) > 0
        # The square root of the smallest number keeps 1 / total**2 finite in the backward pass.
        lost = ever & (total < torch.finfo(total.dtype).tiny ** 0.5)
        divisor = total.where(ever & ~lost, torch.inf)
        means = sums / divisor
        ctx.save_for_backward(queries, keys, weights, kept, seen, mask, means, divisor, ever)
        ctx.scale, ctx.heads = scale, heads
        ctx.mark_non_differentiable(lost)
        return means.where(ever, value.mean(1, keepdim=True)), lost

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, weights, kept, seen, mask, means, divisor, ever = ctx.saved_tensors
        grad_sums = grad / divisor
        grad_weights = torch.bmm(grad_sums, seen.mT)
        if kept is not None:
            grad_weights.mul_(kept)
        grad_weights.baddbmm_(grad_sums * means, mask.mT, alpha=-1)
        grad_scores = grad_weights.mul_(weights).view(len(keys), -1, weights.shape[2])
        grad_queries = torch.bmm(grad_scores, keys).unflatten(0, (-1, ctx.heads)).sum(0)
        grad_keys = torch.bmm(grad_scores.mT, queries).unflatten(0, (-1, ctx.heads))
        grad_value = None
        if ctx.needs_input_grad[2]:
            taken = weights if kept is None else weights * kept * ctx.scale
            grad_value = torch.bmm(taken.mT, grad_sums) * mask
            grad_value += (grad.sum(1, keepdim=True) / mask.shape[1]).where(~ever, 0.0)
        return grad_queries, grad_keys, grad_value, None, None, None


def channel_means(
    queries: Tensor,
    keys: Tensor,
    value: Tensor,
    mask: Tensor,
    kept: Tensor | None = None,
    scale: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Return ``(p @ (mask * value)) / (p @ mask)`` with ``p = softmax(queries @ keys.T)``.

    These are the means under one softmax per channel over its observed rows, without a copy of
    the scores for each channel. A channel without any observation gives the mean over all rows.

    Parameters
    ----------
    queries
        (H, T, d), the same for all samples, scaled.
    keys
        (B, H, L, d).
    value, mask
        (B, L, C); the mask is 1 where observed, else 0.
    kept
        (B, H * T, L), 0 where a weight of the upper product is dropped and 1 where it is
        multiplied by `scale`; None drops nothing.

    Returns
    -------
    means
        (B, H * T, C).
    lost
        Where a mean is not to be trusted, the same shape, bool: the channel was observed at rows
        only whose weight is too small for the numbers.
    """
    return _ChannelMeans.apply(queries, keys, value, mask, kept, scale)
