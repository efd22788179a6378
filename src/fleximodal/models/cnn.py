"""A convolutional network in the place of a transformer encoder."""

from torch import Tensor, nn

from fleximodal.errors import FleximodalError


class CNNEncoder(nn.Module):
    """Convolution, ReLU and pooling by two per layer, then one linear layer (Zhang et al. 2023).

    Parameters
    ----------
    steps
        Grid points T, at least ``2 ** layers``.
    width
        Width of the sequence, of each convolution and of the result.
    layers
        Number of convolutions.
    kernel
        Points that a convolution sees, odd.

    Raises
    ------
    FleximodalError
        If pooling would leave no point.
    """

    def __init__(self, *, steps: int, width: int, layers: int, kernel: int = 3) -> None:
        super().__init__()
        left = steps >> layers
        if left < 1:
            raise FleximodalError(
                f"a CNN of {layers} layers needs {2**layers} grid points and has {steps}; "
                "lower layers or raise grid_steps"
            )
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, kernel, padding=kernel // 2) for _ in range(layers)
        )
        self.pool = nn.MaxPool1d(2)
        self.output = nn.Linear(width * left, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to (B, width)."""
        x = x.transpose(1, 2)
        for convolution in self.convolutions:
            x = self.pool(convolution(x).relu())
        return self.output(x.flatten(1)).relu()
