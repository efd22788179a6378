"""One transformer layer of Flex-MoE."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.flex_attention import FlexAttention
from fleximodal.models.flex_mixture import FlexMixture

Residual = Literal["input", "self"]


@dataclass
class LayerResult:
    """New tokens (B, M * T, d), losses by name, and each modality's use of experts, (M, E)."""

    tokens: Tensor
    losses: dict[str, Tensor] = field(default_factory=dict)
    use: Tensor | None = None


class FlexLayer(nn.Module):
    """Attention over the tokens of all modalities, then a feed-forward block for each token.

    Parameters
    ----------
    modalities
        Number of modalities M.
    width, heads, dropout
        As for `FlexAttention`; dropout also on what is added to tokens.
    residual
        What attention is added to: its input, as usual; or, NOTE[DIFF] as in the released code,
        itself, so that of the input nothing is left but what attention reads.
    feed_forward
        The mixture of a sparse layer, or what a dense layer maps tokens by.
    """

    def __init__(
        self,
        *,
        modalities: int,
        width: int,
        heads: int,
        dropout: float,
        residual: Residual,
        feed_forward: nn.Module,
    ) -> None:
        super().__init__()
        self.modalities, self.residual = modalities, residual
        self.attention_norm = nn.LayerNorm(width)
        self.attention = FlexAttention(width=width, heads=heads, dropout=dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = feed_forward
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, combination: Tensor) -> LayerResult:
        """Map tokens (B, M * T, d) of stays of combinations (B,), numbers, to new ones."""
        attended = self.attention(self.attention_norm(x))
        x = (attended if self.residual == "self" else x) + self.dropout(attended)
        normed = self.feed_forward_norm(x)
        if not isinstance(self.feed_forward, FlexMixture):
            return LayerResult(x + self.dropout(self.feed_forward(normed)))
        blocks = normed.unflatten(1, (self.modalities, -1)).transpose(0, 1)
        tokens = blocks.flatten(1, 2)
        mixed, routing = self.feed_forward(tokens, combination)
        change = mixed.view_as(blocks).transpose(0, 1).flatten(1, 2)
        target = self.feed_forward.targets(tokens, combination)
        return LayerResult(
            x + self.dropout(change),
            self.feed_forward.losses(routing, target),
            routing.gates.detach().mean(1),
        )


def dense_feed_forward(width: int, dropout: float) -> nn.Sequential:
    """Return the feed-forward block of a dense layer, with a hidden width of twice the width."""
    return nn.Sequential(
        nn.Linear(width, 2 * width), nn.GELU(), Dropout(dropout), nn.Linear(2 * width, width)
    )
