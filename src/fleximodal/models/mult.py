"""MulT: each modality read by each other one, then encoded by itself."""

from typing import cast

import torch
from torch import Tensor, nn

from fleximodal.models.encoder import Encoder
from fleximodal.models.fusion import Fusion, FusionResult


class CrossmodalFusion(Fusion):
    """Crossmodal encoders for each ordered pair, then a self encoder per target (MulT).

    As run by Zhang et al. 2023 for two modalities. For M > 2 (ours; Tsai et al. 2019 do the
    same without the projection): the M - 1 sequences of a target are concatenated on the feature
    axis and projected to `width`.

    NOTE[DIFF] Tsai et al. project modalities by a convolution to width 30, take sinusoidal
    positions and mask later points. NOTE[DIFF] The released code calls the self encoders of the
    two targets by each other's name, without effect.

    Parameters
    ----------
    streams
        Number of modalities M, at least 2.
    steps, width, heads, dropout, freeze_first
        As for `Encoder`.
    cross_layers, self_layers
        Layers of each crossmodal and of each self encoder.
    """

    def __init__(
        self,
        *,
        streams: int,
        steps: int,
        width: int,
        heads: int,
        cross_layers: int,
        self_layers: int,
        dropout: float,
        freeze_first: bool = False,
    ) -> None:
        super().__init__()

        def encoder(layers: int, crossmodal: bool) -> Encoder:
            return Encoder(
                steps=steps,
                width=width,
                heads=heads,
                layers=layers,
                dropout=dropout,
                crossmodal=crossmodal,
                freeze_first=freeze_first,
            )

        self.pairs = [(m, n) for m in range(streams) for n in range(streams) if m != n]
        self.crossmodal = nn.ModuleList(encoder(cross_layers, True) for _ in self.pairs)
        self.projections = nn.ModuleList(
            nn.Linear((streams - 1) * width, width) if streams > 2 else nn.Identity()
            for _ in range(streams)
        )
        self.encoders = nn.ModuleList(encoder(self_layers, False) for _ in range(streams))
        self.output_width = streams * width

    def forward(self, streams: list[Tensor]) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector (B, M * width)."""
        crossed = self.crossed(streams)
        ends = [encode(x) for encode, x in zip(self.encoders, crossed, strict=True)]
        return FusionResult(torch.cat(ends, dim=-1))

    def crossed(self, streams: list[Tensor]) -> list[Tensor]:
        """Return what enters the self encoder of each target, (B, T, width)."""
        incoming: list[list[Tensor]] = [[] for _ in streams]
        for (target, source), encoder in zip(self.pairs, self.crossmodal, strict=True):
            read = cast(Encoder, encoder).sequence(streams[target], streams[source])
            incoming[target].append(read)
        return [
            project(torch.cat(found, dim=-1))
            for project, found in zip(self.projections, incoming, strict=True)
        ]
