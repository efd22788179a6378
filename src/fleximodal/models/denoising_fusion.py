"""Stacked denoising auto-encoders whose codes meet at the end (Venugopalan et al. 2021)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.fusion import Fusion, FusionResult


class DenoisingStack(nn.Module):
    """Auto-encoders on top of each other; each restores its input from a part of it.

    ``code = relu(W x + b)``, ``restored = V code + c``, layer by layer (Vincent et al. 2010).
    NOTE[DIFF] Layers learn at the same time as the classifier: the reconstruction of one reaches
    neither the layers below it nor the frame's encoder, as if each were trained in its turn.

    Parameters
    ----------
    features
        Width of the input.
    width
        Width of each code.
    layers
        Number of auto-encoders.
    corruption
        Rate at which inputs are set to zero in training before they are restored.
    """

    def __init__(self, *, features: int, width: int, layers: int, corruption: float) -> None:
        super().__init__()
        inputs = [features] + [width] * (layers - 1)
        self.encoders = nn.ModuleList(nn.Linear(size, width) for size in inputs)
        self.decoders = nn.ModuleList(nn.Linear(width, size) for size in inputs)
        self.corruption = Dropout(corruption)

    def forward(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the code (B, width) of `x` (B, features) and the reconstruction loss.

        The loss is the mean squared error over the stays in `rows` (B,) bool, summed over layers.
        """
        loss = x.new_zeros(())
        for encoder, decoder in zip(self.encoders, self.decoders, strict=True):
            given = x.detach()
            kept = self.corruption.kept(given, given.shape)
            restored = decoder(encoder(given if kept is None else given * kept).relu())
            error = (restored - given).square().mean(-1)
            loss = loss + (error * rows).sum() / rows.sum().clamp_min(1)
            x = encoder(x).relu()
        return x, loss


class DenoisingFusion(Fusion):
    """Codes of all modalities beside each other.

    Absent modalities enter with what stands in for them and count in no reconstruction.

    Parameters
    ----------
    volumes
        For each modality whether it is an image volume. Its tokens come from the frame's 3-D
        convolutional network and get a dense layer in the place of auto-encoders.
    steps, width
        Points T and width of a modality's sequence; width also of a code.
    autoencoders, corruption
        As for `DenoisingStack`.
    coef
        Coefficient of the reconstruction loss, which is the mean over modalities.
    """

    sees_presence = True

    def __init__(
        self,
        *,
        volumes: Sequence[bool],
        steps: int,
        width: int,
        autoencoders: int,
        corruption: float,
        coef: float,
    ) -> None:
        super().__init__()
        self.coef = coef
        self.branches = nn.ModuleList(
            nn.Sequential(nn.Linear(steps * width, width), nn.ReLU())
            if volume
            else DenoisingStack(
                features=steps * width, width=width, layers=autoencoders, corruption=corruption
            )
            for volume in volumes
        )
        self.output_width = len(volumes) * width

    def forward(self, streams: list[Tensor], present: Tensor) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector (B, M * width); `present` is (M, B)."""
        codes, losses = [], []
        for branch, x, rows in zip(self.branches, streams, present, strict=True):
            if isinstance(branch, DenoisingStack):
                code, loss = branch(x.flatten(1), rows)
                losses.append(loss)
            else:
                code = branch(x.flatten(1))
            codes.append(code)
        auxiliary = {}
        if losses:
            auxiliary["reconstruction"] = self.coef * torch.stack(losses).mean()
        return FusionResult(torch.cat(codes, dim=-1), auxiliary)
