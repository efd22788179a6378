"""The prediction head of Flex-MoE."""

import itertools

from torch import nn

from fleximodal.models.dropout import Dropout


class LinearHead(nn.Sequential):
    """Linear maps with ReLU and dropout in between; one map by default.

    Parameters
    ----------
    input_width
        Width of the fused vector.
    hidden
        Width between two maps.
    outputs
        Number of logits.
    layers
        Number of maps.
    dropout
        Rate of the dropout.
    """

    def __init__(
        self, *, input_width: int, hidden: int, outputs: int, layers: int, dropout: float
    ) -> None:
        widths = [input_width] + [hidden] * (layers - 1)
        parts: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            parts += [nn.Linear(before, after), nn.ReLU(), Dropout(dropout)]
        super().__init__(*parts, nn.Linear(widths[-1], outputs))
