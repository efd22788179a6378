"""Multi-time attention (mTAND): irregular observations read at the points of a regular grid."""

import math

import torch
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout

# Score of an unobserved entry. Finite, so that a channel without any observation attends to all
# rows alike instead of giving NaN.
MASKED_SCORE = -1e4


class MultiTimeAttention(nn.Module):
    """Attention from grid points to observation times (FuseMoE appendix C.1).

    Scores depend on head, grid point and observation time alone; only the mask depends on the
    channel. With ``p = softmax(scores)`` the per-channel softmax over the observed rows is
    ``(p @ (mask * value)) / (p @ mask)``: the same numbers as one softmax per channel, without a
    copy of the scores for each.

    NOTE[DIFF] Attention dropout is drawn per (sample, head, grid point, row) and shared by the
    channels, and leaves the appended mask columns alone; the released code draws it per channel.

    Parameters
    ----------
    time_width
        Width of the time embedding.
    value_width
        Channels (or features) of the values given to `forward`.
    width
        Width of the result.
    heads
        Heads; scores are divided by ``sqrt(time_width / heads)``.
    dropout
        Rate of the attention dropout.
    append_mask
        Whether the mask counts as `value_width` further value channels, masked by itself: each is
        1 if the channel was ever observed, else 0.
    """

    def __init__(
        self,
        *,
        time_width: int,
        value_width: int,
        width: int,
        heads: int,
        dropout: float,
        append_mask: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.value_width = value_width
        self.append_mask = append_mask
        self.query = nn.Linear(time_width, time_width)
        self.key = nn.Linear(time_width, time_width)
        self.output = nn.Linear(heads * value_width * (2 if append_mask else 1), width)
        self.dropout = Dropout(dropout)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Attend.

        Parameters
        ----------
        query
            (T, time_width), embedded grid points.
        key
            (B, L, time_width), embedded observation times.
        value
            (B, L, value_width).
        mask
            1 where observed: (B, L, value_width) per channel, (B, L) per row, or None.

        Returns
        -------
        Tensor
            (B, T, width).
        """
        scores = self.scores(query, key)
        if mask is None or mask.dim() == 2:
            return self._attend_rows(scores, value, mask)
        return self._attend_channels(scores, value, mask)

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """Return the scaled scores (B, heads, T, L) before masking."""
        queries = self.query(query).unflatten(-1, (self.heads, -1)).transpose(0, 1)
        keys = self.key(key).unflatten(-1, (self.heads, -1)).permute(0, 2, 3, 1)
        return (queries / math.sqrt(queries.shape[-1])) @ keys

    def _attend_rows(self, scores: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        weights = self.dropout(row_weights(scores, mask))
        # Items are fewer than grid points: project each once per head, then mix.
        width = self.output.out_features
        per_head = self.output.weight.view(width, self.heads, -1).permute(2, 1, 0)
        values = value @ per_head.reshape(self.value_width, self.heads * width)
        values = values.unflatten(-1, (self.heads, width)).transpose(1, 2).flatten(1, 2)
        mixed = weights.transpose(1, 2).flatten(2) @ values
        return mixed + self.output.bias

    def _attend_channels(self, scores: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        batch, heads, steps, rows = scores.shape
        weights = scores.softmax(-1).view(batch, heads * steps, rows)
        total = weights @ mask
        sums = self.dropout(weights) @ (value * mask)
        ever = mask.amax(1, keepdim=True) > 0
        # The square root of the smallest number keeps 1 / total**2 finite in the backward pass.
        lost = ever & (total < torch.finfo(total.dtype).tiny ** 0.5)
        safe = ever & ~lost
        means = sums / total.where(safe, torch.ones_like(total))
        means = means.where(ever, value.mean(1, keepdim=True))
        means = means.view(batch, heads, steps, -1)
        samples = lost.flatten(1).any(1).nonzero().squeeze(1)
        if len(samples):
            exact = self.dropout(channel_weights(scores[samples], mask[samples]))
            exact = torch.einsum("bhqlc,blc->bhqc", exact, value[samples])
            means = means.index_copy(0, samples, exact)
        return self._project(means.transpose(1, 2), ever.squeeze(1))

    def _project(self, means: Tensor, ever: Tensor) -> Tensor:
        if not self.append_mask:
            return self.output(means.flatten(2))
        weight = self.output.weight.unflatten(1, (self.heads, 2, self.value_width))
        values = means.flatten(2) @ weight[:, :, 0].flatten(1).T
        flags = ever.to(means.dtype) @ weight[:, :, 1].sum(1).T
        return values + (flags + self.output.bias).unsqueeze(1)


def row_weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Return attention weights (B, H, T, L) under a mask (B, L) of rows, or without one."""
    if mask is not None:
        scores = scores.masked_fill((mask == 0)[:, None, None, :], MASKED_SCORE)
    return scores.softmax(-1)


def channel_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Return attention weights (B, H, T, L, C) under a mask (B, L, C), one softmax a channel."""
    masked = (mask == 0)[:, None, None]
    return scores.unsqueeze(-1).masked_fill(masked, MASKED_SCORE).softmax(-2)
