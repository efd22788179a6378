"""The fusion of Flex-MoE (arXiv 2410.08245, section 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fleximodal.models.combinations import combination_index
from fleximodal.models.flex_layer import FlexLayer
from fleximodal.models.fusion import Fusion, FusionResult


class FlexFusion(Fusion):
    """Tokens of all modalities in one sequence, layers, the mean of each modality's tokens.

    Parameters
    ----------
    names
        Names of the M modalities, in order.
    steps
        Tokens T of a modality.
    width
        Model width d.
    layers
        The layers, in order.
    """

    sees_presence = True

    def __init__(
        self, *, names: Sequence[str], steps: int, width: int, layers: Sequence[FlexLayer]
    ) -> None:
        super().__init__()
        self.names, self.steps = tuple(names), steps
        self.positions = nn.Parameter(torch.zeros(len(names) * steps, width))
        self.layers = nn.ModuleList(layers)
        self.output_width = len(names) * width

    def forward(self, streams: list[Tensor], present: Tensor) -> FusionResult:
        """Fuse M sequences (B, T, d) into one vector (B, M * d); `present` is (M, B) bool."""
        combination = combination_index(present)
        tokens = torch.cat(streams, dim=1) + self.positions
        losses: dict[str, Tensor] = {}
        routing: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers):
            result = layer(tokens, combination)
            tokens = result.tokens
            for name, loss in result.losses.items():
                losses[name] = losses[name] + loss if name in losses else loss
            if result.use is not None:
                uses = zip(self.names, result.use, strict=True)
                routing |= {f"layer{number}/{name}": use for name, use in uses}
        means = tokens.unflatten(1, (-1, self.steps)).mean(2)
        return FusionResult(means.flatten(1), losses, routing)
