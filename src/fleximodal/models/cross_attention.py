"""The fusion step of MISTS: pairwise cross-attention between modalities."""

import torch
from torch import Tensor, nn

from fleximodal.models.attention import Attention
from fleximodal.models.fusion_stack import StepResult


class CrossAttentionStep(nn.Module):
    """Each modality attends to each other one; what comes in from several is averaged.

    All attentions read the streams as they were before the step (Zhang et al. 2023). The mean
    over more than one other modality is an extension to M > 2.

    Parameters
    ----------
    streams
        Number of modalities M, at least 2.
    width, heads, dropout
        As for `Attention`; separate weights per ordered pair.
    """

    def __init__(self, *, streams: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.pairs = [(m, n) for m in range(streams) for n in range(streams) if m != n]
        self.attentions = nn.ModuleList(
            Attention(width=width, heads=heads, dropout=dropout) for _ in self.pairs
        )

    def forward(
        self, streams: list[Tensor], last_only: bool, present: Tensor | None = None
    ) -> StepResult:
        """Attend between M normalised streams (B, T, width); see `StepResult`."""
        incoming: list[list[Tensor]] = [[] for _ in streams]
        for (target, source), attention in zip(self.pairs, self.attentions, strict=True):
            query = streams[target][:, -1:] if last_only else streams[target]
            incoming[target].append(attention(query, streams[source]))
        return StepResult([torch.stack(changes).mean(0) for changes in incoming])
