"""The prediction head."""

from torch import Tensor, nn

from fleximodal.models.dropout import Dropout


class ResidualHead(nn.Module):
    """``Wo (h + Wb dropout(relu(Wa h)))``, all with biases (FuseMoE, released settings).

    Parameters
    ----------
    width
        Width of the fused vector.
    outputs
        Number of logits.
    dropout
        Rate of the dropout.
    """

    def __init__(self, *, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.output = nn.Linear(width, outputs)
        self.dropout = Dropout(dropout)

    def forward(self, fused: Tensor) -> Tensor:
        """Map (B, width) to logits (B, outputs)."""
        return self.output(fused + self.second(self.dropout(self.first(fused).relu())))
