"""The attention of Flex-MoE's layers."""

import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.attention import Attention
from fleximodal.models.dropout import Dropout


class FlexAttention(Attention):
    """`Attention` without biases on queries, keys and values, and with dropout on its output.

    Initial values are PyTorch's (Flex-MoE, released code).

    Parameters
    ----------
    width, heads
        As for `Attention`.
    dropout
        Rate of the dropout on attention weights and on the output.
    """

    def __init__(self, *, width: int, heads: int, dropout: float) -> None:
        super().__init__(width=width, heads=heads, dropout=dropout)
        self.input = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width)
        self.output_dropout = Dropout(dropout)

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        """Attend from `x` (B, Q, width) to `source` (B, S, width), by default `x` itself."""
        if source is None:
            query, key, value = self.input(x).chunk(3, dim=-1)
        else:
            width = x.shape[-1]
            query = F.linear(x, self.input.weight[:width])
            key, value = F.linear(source, self.input.weight[width:]).chunk(2, dim=-1)
        mixed = self._mix(self._split(query), self._split(key), self._split(value))
        return self.output_dropout(self.output(mixed))
