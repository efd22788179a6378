"""Losses that spread tokens over experts (Shazeer et al. 2017)."""

import torch
from torch import Tensor

from fleximodal.models.gates import Routing
from fleximodal.models.windows import by_window


def importance(routing: Routing) -> Tensor:
    """Return the sum of gate weights of each expert, (R, S)."""
    return routing.gates.sum(1)


def load(routing: Routing) -> Tensor:
    """Return the expected number of tokens of each expert, (R, S); see `chance_to_be_kept`."""
    return chance_to_be_kept(routing).sum(1)


def chance_to_be_kept(routing: Routing) -> Tensor:
    """Return the probability of each token's experts to be kept, (R, N, S).

    That is, if the noise of the expert alone were drawn again. Without noise, or where all experts
    are kept, it is 1 for a positive weight and else 0, which has no gradient.
    """
    kept, experts = routing.experts.shape[-1], routing.gates.shape[-1]
    if routing.scale is None or kept == experts:
        return (routing.gates > 0).to(routing.gates.dtype)
    largest = routing.noisy.topk(kept + 1, dim=-1).values
    last_in, first_out = largest[..., -2:-1], largest[..., -1:]
    threshold = first_out.where(routing.noisy > first_out, last_in)
    return torch.special.ndtr((routing.clean - threshold) / routing.scale)


def squared_variation(values: Tensor) -> Tensor:
    """Return the squared coefficient of variation over the last axis, unbiased variance.

    Zero where there is one value only.
    """
    if values.shape[-1] == 1:
        return torch.zeros_like(values[..., 0])
    return values.var(-1) / (values.mean(-1).square() + 1e-10)


def balance_loss(routing: Routing, window: int | None = None) -> Tensor:
    """Return squared variation of importance plus that of load, summed over routers.

    With `window` it is taken over that many consecutive tokens at a time, and averaged.
    """
    size = window or routing.gates.shape[1]
    sums = [_window_sums(x, size) for x in (routing.gates, chance_to_be_kept(routing))]
    return torch.stack([squared_variation(x) for x in sums]).sum((0, 2)).mean()


def _window_sums(x: Tensor, size: int) -> Tensor:
    """Sum (R, N, S) over windows of tokens, (W, R, S)."""
    return by_window(x.transpose(0, 1), size).sum(1)
