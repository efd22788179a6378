"""A recurrent network in the place of a transformer encoder."""

import torch
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout


class LSTMEncoder(nn.Module):
    """Bidirectional LSTM; the final state of the top layer's backward direction.

    That state has read the whole sequence, from its end to its start. NOTE[DIFF] The released
    code of Zhang et al. 2023 also holds a forward direction of the top layer, which nothing
    reads and which is left out here.

    Parameters
    ----------
    width
        Width of the sequence and of the state of a direction.
    layers
        Number of layers.
    dropout
        Rate of the dropout between layers.
    """

    def __init__(self, *, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.lower = nn.ModuleList(
            nn.LSTM(width * (2 if number else 1), width, bidirectional=True, batch_first=True)
            for number in range(layers - 1)
        )
        self.top = nn.LSTM(width * (2 if layers > 1 else 1), width, batch_first=True)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to (B, width)."""
        for layer in self.lower:
            x = self.dropout(layer(x)[0])
        _, (state, _) = self.top(torch.flip(x, [1]))
        last: Tensor = state[0]
        return last
