"""LIMoE: one sparse transformer over the tokens of all modalities."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fleximodal.models.encoder import FeedForwardBlock
from fleximodal.models.fusion import Fusion, FusionResult
from fleximodal.models.limoe_mixture import BlockResult, TokenMixture
from fleximodal.models.masked_attention import MaskedAttentionBlock, readable
from fleximodal.models.positions import Positions


class LIMoELayer(nn.Module):
    """Attention between all tokens that are there, then a feed-forward block.

    Parameters
    ----------
    width, heads, dropout
        Of the attention and of a dense block.
    mixture
        The sparse block; None for a dense one.
    """

    def __init__(
        self, *, width: int, heads: int, dropout: float, mixture: TokenMixture | None
    ) -> None:
        super().__init__()
        self.attention = MaskedAttentionBlock(width=width, heads=heads, dropout=dropout)
        self.mixture = mixture
        self.dense = None if mixture else FeedForwardBlock(width=width, dropout=dropout)

    def forward(self, x: Tensor, there: Tensor) -> BlockResult:
        """Map tokens (B, S, width); `there` (B, S) says which may be read."""
        x = self.attention(x, there)
        if self.dense is not None:
            return BlockResult(self.dense(x))
        assert self.mixture is not None
        mixed: BlockResult = self.mixture(x, there)
        return mixed


class LIMoEFusion(Fusion):
    """Every other layer sparse, the last one among them (Mustafa et al. 2022, section 2).

    Tokens of absent modalities are neither attended to, nor routed, nor averaged. Each modality's
    tokens are averaged and projected by a matrix of its own, as in the paper. NOTE[DIFF] There
    the projections of two modalities meet in a contrastive loss; here their mean over the
    modalities that are there is classified.

    Parameters
    ----------
    streams
        Number of modalities M.
    steps, width, heads, dropout, freeze_first
        As for `Encoder`; a position is one of ``M * steps``.
    layers
        Number of layers.
    make_mixture
        Called for each sparse layer.
    """

    sees_presence = True

    def __init__(
        self,
        *,
        streams: int,
        steps: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        make_mixture: Callable[[], TokenMixture],
        freeze_first: bool = False,
    ) -> None:
        super().__init__()
        self.positions = Positions(
            steps=streams * steps, width=width, dropout=dropout, freeze_first=freeze_first
        )
        self.layers = nn.ModuleList(
            LIMoELayer(
                width=width,
                heads=heads,
                dropout=dropout,
                mixture=make_mixture() if (layers - number) % 2 else None,
            )
            for number in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.projections = nn.ModuleList(nn.Linear(width, width) for _ in range(streams))
        self.output_width = width

    def forward(self, streams: list[Tensor], present: Tensor) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector (B, width); `present` is (M, B)."""
        read = readable(present)
        there = read.T.repeat_interleave(streams[0].shape[1], dim=1)
        x = self.positions(torch.cat(streams, dim=1))
        losses: dict[str, Tensor] = {}
        routing: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers):
            result: BlockResult = layer(x, there)
            x = result.tokens
            for name, value in result.losses.items():
                losses[name] = losses[name] + value if name in losses else value
            if result.use is not None:
                routing[f"layer{number}/joint"] = result.use
        pooled = self.norm(x).unflatten(1, (len(streams), -1)).mean(2).unbind(1)
        ends = torch.stack([p(v) for p, v in zip(self.projections, pooled, strict=True)])
        share = (read / read.sum(0)).unsqueeze(-1)
        return FusionResult((share * ends).sum(0), losses, routing)
