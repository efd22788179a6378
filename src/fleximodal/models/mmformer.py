"""mmFormer: a transformer within each modality, then one across modalities."""

from typing import cast

import torch
from torch import Tensor, nn

from fleximodal.models.encoder import Encoder, FeedForwardBlock
from fleximodal.models.fusion import Fusion, FusionResult, SideVector
from fleximodal.models.masked_attention import MaskedAttentionBlock, readable
from fleximodal.models.positions import Positions


class MMFormerFusion(Fusion):
    """Intra-modality, then inter-modality transformer (Zhang et al. 2022, section 2).

    Tokens of modalities that are absent or withheld are masked. In training modalities are
    withheld at random, and each modality's own encoder predicts the labels, too.

    NOTE[DIFF] Withheld tokens are left out of attention and set to zero after it; the paper sets
    them to zero before it. NOTE[DIFF] Means of each modality's tokens, projected together, are
    classified; the paper's convolutional decoder has no counterpart here.

    Parameters
    ----------
    streams
        Number of modalities M.
    steps, width, heads, dropout, freeze_first
        As for `Encoder`.
    layers
        Layers of each encoder and of the transformer across modalities.
    modality_dropout
        As for `kept_modalities`.
    encoder_coef
        Weight of each modality's own prediction.
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
        modality_dropout: float,
        encoder_coef: float,
        freeze_first: bool = False,
    ) -> None:
        super().__init__()
        self.modality_dropout, self.encoder_coef = modality_dropout, encoder_coef
        self.encoders = nn.ModuleList(
            Encoder(
                steps=steps,
                width=width,
                heads=heads,
                layers=layers,
                dropout=dropout,
                freeze_first=freeze_first,
            )
            for _ in range(streams)
        )
        self.positions = Positions(steps=streams * steps, width=width, dropout=dropout)
        self.attentions = nn.ModuleList(
            MaskedAttentionBlock(width=width, heads=heads, dropout=dropout) for _ in range(layers)
        )
        self.feed_forwards = nn.ModuleList(
            FeedForwardBlock(width=width, dropout=dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.join = nn.Linear(streams * width, width)
        self.alone = nn.Linear(width, width)
        self.output_width = width

    def forward(self, streams: list[Tensor], present: Tensor) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector (B, width); `present` is (M, B)."""
        pairs = zip(self.encoders, streams, strict=True)
        encoded = [cast(Encoder, encoder).sequence(x) for encoder, x in pairs]
        kept = kept_modalities(present, self.modality_dropout) if self.training else present
        vector = self._across(encoded, readable(kept))
        side = {
            f"modality{number}": SideVector(self.alone(x.mean(1)), self.encoder_coef, rows)
            for number, (x, rows) in enumerate(zip(encoded, present, strict=True))
        }
        return FusionResult(vector, side=side if self.training else {})

    def _across(self, encoded: list[Tensor], read: Tensor) -> Tensor:
        keys = read.T.repeat_interleave(encoded[0].shape[1], dim=1)
        x = self.positions(torch.cat(encoded, dim=1))
        for attend, feed_forward in zip(self.attentions, self.feed_forwards, strict=True):
            x = feed_forward(attend(x, keys))
        means = self.norm(x).unflatten(1, (len(encoded), -1)).mean(2)
        joined: Tensor = self.join((means * read.T.unsqueeze(-1)).flatten(1))
        return joined


def kept_modalities(present: Tensor, rate: float) -> Tensor:
    """Return which modalities (M, B) of those `present` are kept, drawn anew for each stay.

    Independent draws, given that one modality at least is kept where there is one.

    Parameters
    ----------
    present
        (M, B) bool.
    rate
        Chance of a modality to be withheld, but for that condition.
    """
    draws = torch.rand(present.shape, device=present.device)
    kept = torch.zeros_like(present)
    for number, there in enumerate(present):
        left = present[number:].sum(0).clamp_min(1)
        # While none is kept, draws are made under the condition that one of those left will be.
        chance = torch.where(kept.any(0), 1 - rate, (1 - rate) / (1 - rate**left))
        last = (left == 1) & ~kept.any(0)
        kept[number] = there & (last | (draws[number] < chance))
    return kept
