"""Multi-time attention (mTAND): irregular observations read at the points of a regular grid."""

import math

import torch
from torch import Tensor, nn

from fleximodal.models.channel_means import channel_means
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
        if mask is None or mask.dim() == 2:
            return self._attend_rows(self.scores(query, key), value, mask)
        return self._attend_channels(query, key, value, mask)

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """Return the scaled scores (B, heads, T, L) before masking."""
        queries, keys = self._heads(query, key)
        return queries @ keys.mT

    def _heads(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """Return scaled queries (heads, T, d) and keys (B, heads, L, d)."""
        queries = self.query(query).unflatten(-1, (self.heads, -1)).transpose(0, 1)
        keys = self.key(key).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return queries / math.sqrt(queries.shape[-1]), keys

    def _attend_rows(self, scores: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        weights = self.dropout(row_weights(scores, mask))
        # Items are fewer than grid points: project each once per head, then mix.
        width = self.output.out_features
        per_head = self.output.weight.view(width, self.heads, -1).permute(2, 1, 0)
        values = value @ per_head.reshape(self.value_width, self.heads * width)
        values = values.unflatten(-1, (self.heads, width)).transpose(1, 2).flatten(1, 2)
        mixed = weights.transpose(1, 2).flatten(2) @ values
        return mixed + self.output.bias

    def _attend_channels(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        queries, keys = self._heads(query, key)
        heads, steps, _ = queries.shape
        kept = self.dropout.kept(value, (len(value), heads * steps, value.shape[1]))
        means, lost = channel_means(queries, keys, value, mask, kept, self.dropout.scale)
        samples = lost.flatten(1).any(1).nonzero().squeeze(1)
        if len(samples):
            scores = queries @ keys[samples].mT
            exact = self.dropout(channel_weights(scores, mask[samples]))
            exact = torch.einsum("bhqlc,blc->bhqc", exact, value[samples]).flatten(1, 2)
            means = means.index_copy(0, samples, exact)
        ever = (mask.sum(1) > 0) if self.append_mask else None
        return self._project(means.unflatten(1, (heads, steps)).transpose(1, 2), ever)

    def _project(self, means: Tensor, ever: Tensor | None) -> Tensor:
        """Map means (B, T, heads, C), and whether channels were ever observed, (B, C)."""
        if ever is None:
            return self.output(means.flatten(2))
        weight = self.output.weight.unflatten(1, (self.heads, 2, self.value_width))
        values = means.flatten(2) @ weight[:, :, 0].flatten(1).T
        flags = torch.addmm(self.output.bias, ever.to(means.dtype), weight[:, :, 1].sum(1).T)
        return values + flags.unsqueeze(1)


def row_weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Return attention weights (B, H, T, L) under a mask (B, L) of rows, or without one."""
    if mask is not None:
        scores = scores.masked_fill((mask == 0)[:, None, None, :], MASKED_SCORE)
    return scores.softmax(-1)


def channel_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Return attention weights (B, H, T, L, C) under a mask (B, L, C), one softmax a channel."""
    masked = (mask == 0)[:, None, None]
    return scores.unsqueeze(-1).masked_fill(masked, MASKED_SCORE).softmax(-2)
