"""The dense feed-forward block of a transformer layer."""

from torch import Tensor, nn

from fleximodal.models.dropout import Dropout


class FeedForward(nn.Module):
    """``W2 dropout(relu(W1 x + b1)) + b2`` with a hidden width of four times the width.

    Parameters
    ----------
    width
        Model width.
    dropout
        Rate of the dropout on the hidden layer.
    """

    def __init__(self, *, width: int, dropout: float) -> None:
        super().__init__()
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)
        self.dropout = Dropout(dropout)
        for linear in (self.expand, self.contract):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        return self.contract(self.dropout(self.expand(x).relu()))
