"""ShaSpec: shared and specific features, the absent ones generated."""

from typing import cast

import torch
from torch import Tensor, nn

from fleximodal.models.encoder import Encoder
from fleximodal.models.fusion import Fusion, FusionResult
from fleximodal.models.masked_attention import readable
from fleximodal.models.shaspec_losses import alignment_loss, domain_loss


class ShaSpecFusion(Fusion):
    """A shared and a specific encoder, fused as a residual (Wang et al. 2023, section 3).

    With shared features r and specific ones s, modality m has ``f_m = W [r_m, s_m] + b + r_m``;
    an absent one has the mean of the r of those that are there. The f are concatenated.

    NOTE[DIFF] Encoders are transformers on the frame's tokens, averaged over tokens; the paper's
    are convolutional and read the images themselves.

    Parameters
    ----------
    streams
        Number of modalities M.
    steps, width, heads, layers, dropout, freeze_first
        As for `Encoder`, of which there are M + 1.
    alignment_coef, domain_coef
        Coefficients of `alignment_loss` and `domain_loss`.
    """

    sees_presence = True

    def __init__(
        self,
        *,
        streams: int,
        steps: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        alignment_coef: float,
        domain_coef: float,
        freeze_first: bool = False,
    ) -> None:
        super().__init__()

        def encoder() -> Encoder:
            return Encoder(
                steps=steps,
                width=width,
                heads=heads,
                layers=layers,
                dropout=dropout,
                freeze_first=freeze_first,
            )

        self.alignment_coef, self.domain_coef = alignment_coef, domain_coef
        self.shared = encoder()
        self.specific = nn.ModuleList(encoder() for _ in range(streams))
        self.projection = nn.Linear(2 * width, width)
        self.domain = nn.Linear(width, streams)
        self.output_width = streams * width

    def forward(self, streams: list[Tensor], present: Tensor) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector (B, M * width); `present` is (M, B)."""
        shared = self.shared.sequence(torch.cat(streams)).mean(1).unflatten(0, (len(streams), -1))
        pairs = zip(self.specific, streams, strict=True)
        specific = torch.stack([cast(Encoder, own).sequence(x).mean(1) for own, x in pairs])
        fused = self.projection(torch.cat([shared, specific], dim=-1)) + shared
        read = readable(present)
        generated = ((read / read.sum(0)).unsqueeze(-1) * shared).sum(0)
        features = torch.where(read.unsqueeze(-1), fused, generated)
        losses = {
            "alignment": self.alignment_coef * alignment_loss(shared, present),
            "domain": self.domain_coef * domain_loss(self.domain(specific), present),
        }
        return FusionResult(features.transpose(0, 1).flatten(1), losses)
