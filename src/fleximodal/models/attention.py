"""Multi-head attention over the points of the grid."""

import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout


class Attention(nn.Module):
    """Multi-head attention without masks, heads of ``width / heads`` consecutive coordinates.

    Xavier-uniform projections and zero biases (FuseMoE, released settings).

    Parameters
    ----------
    width
        Model width, a multiple of `heads`.
    heads
        Number of heads.
    dropout
        Rate of the dropout on attention weights.
    """

    def __init__(self, *, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.input = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.dropout = Dropout(dropout)
        for linear in (self.input, self.output):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        """Attend from `x` (B, Q, width) to `source` (B, S, width), by default `x` itself."""
        if source is None:
            query, key, value = self.input(x).chunk(3, dim=-1)
        else:
            width = x.shape[-1]
            weight, bias = self.input.weight, self.input.bias
            query = F.linear(x, weight[:width], bias[:width])
            key, value = F.linear(source, weight[width:], bias[width:]).chunk(2, dim=-1)
        return self.output(self._mix(self._split(query), self._split(key), self._split(value)))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _mix(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if self.dropout.active and query.device.type == "cpu":
            # The fused kernel has no dropout on a CPU.
            scale = query.shape[-1] ** -0.5
            weights = ((query * scale) @ key.transpose(-2, -1)).softmax(-1)
            mixed = self.dropout(weights) @ value
        else:
            rate = self.dropout.rate if self.training else 0.0
            mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=rate)
        return mixed.transpose(1, 2).flatten(2)
