"""The recurrent encoder of Lee et al. 2019."""

from torch import Tensor, nn


class GRUEncoder(nn.Module):
    """A GRU whose final state represents the modality (Lee et al. 2019, "Multi-modal GRU").

    What was measured once is a sequence of length one, as in the paper.

    Parameters
    ----------
    steps, width
        Points T and width of the sequence; width also of the state.
    layers, dropout
        Layers, and the rate of the dropout between them.
    once
        Whether the T points are one measurement, read in one step.
    """

    def __init__(self, *, steps: int, width: int, layers: int, dropout: float, once: bool) -> None:
        super().__init__()
        self.once = once
        self.gru = nn.GRU(
            width * (steps if once else 1),
            width,
            num_layers=layers,
            dropout=dropout if layers > 1 else 0.0,
            batch_first=True,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to (B, width)."""
        if self.once:
            x = x.flatten(1).unsqueeze(1)
        _, state = self.gru(x)
        final: Tensor = state[-1]
        return final
