"""The stack of layers in which modalities meet at each: FuseMoE and MISTS."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.encoder import AttentionBlock, FeedForwardBlock
from fleximodal.models.fusion import Fusion, FusionResult
from fleximodal.models.positions import Positions


@dataclass
class StepResult:
    """What a fusion step adds to each stream, (B, T or 1, width), and what it reports."""

    changes: list[Tensor]
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    routing: dict[str, Tensor] = field(default_factory=dict)


class FusionLayer(nn.Module):
    """Self-attention per modality, one step between modalities, feed-forward per modality.

    All pre-norm with residuals and separate weights per modality (FuseMoE section 3.2).

    Parameters
    ----------
    streams
        Number of modalities.
    width, heads, dropout
        Of attention and feed-forward blocks; dropout also on what is added to a stream.
    step
        Module called with the normalised streams, `last_only` and `present` (M, B) or None;
        returns a `StepResult`.
    """

    def __init__(
        self, *, streams: int, width: int, heads: int, dropout: float, step: nn.Module
    ) -> None:
        super().__init__()
        self.attentions = nn.ModuleList(
            AttentionBlock(width=width, heads=heads, dropout=dropout) for _ in range(streams)
        )
        self.step_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(streams))
        self.step = step
        self.dropout = Dropout(dropout)
        self.feed_forwards = nn.ModuleList(
            FeedForwardBlock(width=width, dropout=dropout) for _ in range(streams)
        )

    def forward(
        self, streams: list[Tensor], last_only: bool, present: Tensor | None = None
    ) -> StepResult:
        """Return the new streams; of their last grid point alone if `last_only`.

        The result then is the same as cutting the full one, without the work for points that
        nothing reads any more.
        """
        streams = [attend(x) for attend, x in zip(self.attentions, streams, strict=True)]
        normed = [norm(x) for norm, x in zip(self.step_norms, streams, strict=True)]
        found: StepResult = self.step(normed, last_only, present)
        if last_only:
            streams = [x[:, -1:] for x in streams]
        changed = [x + self.dropout(c) for x, c in zip(streams, found.changes, strict=True)]
        found.changes = [feed(x) for feed, x in zip(self.feed_forwards, changed, strict=True)]
        return found


class FusionStack(Fusion):
    """Positions, layers, a norm per modality; the last grid points concatenated.

    Parameters
    ----------
    streams, width, heads, dropout
        As for `FusionLayer`.
    steps
        Grid points T.
    layers
        Number of layers.
    make_step
        Called once per layer for its step.
    freeze_first
        As for `Positions`, whose one table all modalities share.
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
        make_step: Callable[[], nn.Module],
        freeze_first: bool = False,
    ) -> None:
        super().__init__()
        self.positions = Positions(
            steps=steps, width=width, dropout=dropout, freeze_first=freeze_first
        )
        self.layers = nn.ModuleList(
            FusionLayer(
                streams=streams, width=width, heads=heads, dropout=dropout, step=make_step()
            )
            for _ in range(layers)
        )
        self.final_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(streams))
        self.output_width = streams * width

    def forward(self, streams: list[Tensor], present: Tensor | None = None) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector (B, M * width)."""
        last, auxiliary, routing = self.sequences(streams, present, last_only=True)
        return FusionResult(torch.cat([x[:, -1] for x in last], dim=-1), auxiliary, routing)

    def sequences(
        self, streams: list[Tensor], present: Tensor | None = None, *, last_only: bool = False
    ) -> tuple[list[Tensor], dict[str, Tensor], dict[str, Tensor]]:
        """Return the normalised streams, (B, T or 1, width) each, losses and routing."""
        streams = [self.positions(x) for x in streams]
        auxiliary: dict[str, Tensor] = {}
        routing: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers):
            result = layer(streams, last_only and number == len(self.layers) - 1, present)
            streams = result.changes
            for name, value in result.auxiliary.items():
                auxiliary[name] = auxiliary[name] + value if name in auxiliary else value
            routing |= {f"layer{number}/{name}": v for name, v in result.routing.items()}
        streams = [norm(x) for norm, x in zip(self.final_norms, streams, strict=True)]
        return streams, auxiliary, routing
