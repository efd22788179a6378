"""Scaling and learned positions in front of a stack of layers."""

import math

import torch
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout

INITIAL_STD = 0.02


class Positions(nn.Module):
    """``dropout(sqrt(width) * x + P)`` with a learned table P (T, width), N(0, 0.02^2).

    Parameters
    ----------
    steps
        Grid points T.
    width
        Model width.
    dropout
        Rate of the dropout.
    freeze_first
        NOTE[DIFF] As in the released code: row 0 keeps its random initial value.
    """

    def __init__(
        self, *, steps: int, width: int, dropout: float, freeze_first: bool = False
    ) -> None:
        super().__init__()
        self.freeze_first = freeze_first
        self.table = nn.Parameter(torch.empty(steps, width))
        nn.init.normal_(self.table, std=INITIAL_STD)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape."""
        table: Tensor = self.table
        if self.freeze_first:
            table = torch.cat([table[:1].detach(), table[1:]])
        return self.dropout(torch.add(table, x, alpha=math.sqrt(x.shape[-1])))
