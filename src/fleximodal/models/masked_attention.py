"""Self-attention over tokens of which some are not there."""

import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.attention import Attention
from fleximodal.models.dropout import Dropout


def readable(present: Tensor) -> Tensor:
    """Return which modalities (M, B) of each stay are read: those that are there.

    A stay that has none of them is read as if it had all: what stands in for them says "nothing".
    """
    return present | ~present.any(0)


class MaskedAttention(Attention):
    """`Attention` of tokens to those of them that may be read; parameters are the same."""

    def forward(self, x: Tensor, keys: Tensor) -> Tensor:  # type: ignore[override]
        """Attend from `x` (B, S, width) to the tokens of `x` where `keys` (B, S) is true.

        At least one key of each stay must be true.
        """
        query, key, value = (self._split(part) for part in self.input(x).chunk(3, dim=-1))
        allowed = keys[:, None, None, :]
        if self.dropout.active and x.device.type == "cpu":
            # The fused kernel has no dropout on a CPU.
            logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
            weights = logits.masked_fill(~allowed, -float("inf")).softmax(-1)
            mixed = self.dropout(weights) @ value
        else:
            rate = self.dropout.rate if self.training else 0.0
            mixed = F.scaled_dot_product_attention(
                query, key, value, attn_mask=allowed, dropout_p=rate
            )
        return self.output(mixed.transpose(1, 2).flatten(2))


class MaskedAttentionBlock(nn.Module):
    """``x + dropout(attention(norm(x)))``; parameters are those of `AttentionBlock`."""

    def __init__(self, *, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = MaskedAttention(width=width, heads=heads, dropout=dropout)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, keys: Tensor) -> Tensor:
        """Return the new `x` (B, S, width); `keys` (B, S) says which tokens are read."""
        return x + self.dropout(self.attention(self.norm(x), keys))
