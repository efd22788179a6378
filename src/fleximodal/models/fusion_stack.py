"""The stack of fusion layers shared by all methods that keep one sequence per modality."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fleximodal.models.attention import Attention
from fleximodal.models.dropout import Dropout
from fleximodal.models.feed_forward import FeedForward
from fleximodal.models.positions import Positions


@dataclass
class StepResult:
    """What a fusion step adds to each stream, (B, T or 1, width), and what it reports."""

    changes: list[Tensor]
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    routing: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class FusionResult:
    """The fused vector (B, D), weighted auxiliary losses, and mean gate weights per router."""

    vector: Tensor
    auxiliary: dict[str, Tensor]
    routing: dict[str, Tensor]


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
        Module called with the normalised streams and `last_only`; returns a `StepResult`. None
        leaves the modalities apart.
    """

    def __init__(
        self, *, streams: int, width: int, heads: int, dropout: float, step: nn.Module | None
    ) -> None:
        super().__init__()

        def norms() -> nn.ModuleList:
            return nn.ModuleList(nn.LayerNorm(width) for _ in range(streams))

        self.attention_norms = norms()
        self.attentions = nn.ModuleList(
            Attention(width=width, heads=heads, dropout=dropout) for _ in range(streams)
        )
        self.step = step
        self.step_norms = norms() if step is not None else nn.ModuleList()
        self.feed_forward_norms = norms()
        self.feed_forwards = nn.ModuleList(
            FeedForward(width=width, dropout=dropout) for _ in range(streams)
        )
        self.dropout = Dropout(dropout)

    def forward(self, streams: list[Tensor], last_only: bool) -> StepResult:
        """Return the new streams; of their last grid point alone if `last_only`.

        The result then is the same as cutting the full one, without the work for points that
        nothing reads any more.
        """
        result = StepResult(list(streams))
        attend_last = last_only and self.step is None
        for m, x in enumerate(streams):
            u = self.attention_norms[m](x)
            if attend_last:
                x, change = x[:, -1:], self.attentions[m](u[:, -1:], u)
            else:
                change = self.attentions[m](u)
            result.changes[m] = x + self.dropout(change)
        if self.step is not None:
            normed = [n(x) for n, x in zip(self.step_norms, result.changes, strict=True)]
            found = self.step(normed, last_only)
            before = [x[:, -1:] if last_only else x for x in result.changes]
            changes = [x + self.dropout(c) for x, c in zip(before, found.changes, strict=True)]
            result = StepResult(changes, found.auxiliary, found.routing)
        for m, x in enumerate(result.changes):
            change = self.feed_forwards[m](self.feed_forward_norms[m](x))
            result.changes[m] = x + self.dropout(change)
        return result


class FusionStack(nn.Module):
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
        Called once per layer for its step; None for a stack that keeps the modalities apart.
    shared_positions
        One table of positions for all modalities, or one for each.
    freeze_first
        As for `Positions`.
    """

    def __init__(
        self,
        *,
        streams: int,
        steps: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        make_step: Callable[[], nn.Module] | None,
        shared_positions: bool = True,
        freeze_first: bool = False,
    ) -> None:
        super().__init__()
        self.positions = nn.ModuleList(
            Positions(steps=steps, width=width, dropout=dropout, freeze_first=freeze_first)
            for _ in range(1 if shared_positions else streams)
        )
        self.layers = nn.ModuleList(
            FusionLayer(
                streams=streams,
                width=width,
                heads=heads,
                dropout=dropout,
                step=make_step() if make_step is not None else None,
            )
            for _ in range(layers)
        )
        self.final_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(streams))
        self.output_width = streams * width

    def forward(self, streams: list[Tensor]) -> FusionResult:
        """Fuse M sequences (B, T, width) into one vector (B, M * width)."""
        last, auxiliary, routing = self.sequences(streams, last_only=True)
        return FusionResult(torch.cat([x[:, -1] for x in last], dim=-1), auxiliary, routing)

    def sequences(
        self, streams: list[Tensor], *, last_only: bool = False
    ) -> tuple[list[Tensor], dict[str, Tensor], dict[str, Tensor]]:
        """Return the normalised streams, (B, T or 1, width) each, losses and routing."""
        positions = list(self.positions) * (len(streams) // len(self.positions))
        streams = [place(x) for place, x in zip(positions, streams, strict=True)]
        auxiliary: dict[str, Tensor] = {}
        routing: dict[str, Tensor] = {}
        for number, layer in enumerate(self.layers):
            result = layer(streams, last_only and number == len(self.layers) - 1)
            streams = result.changes
            for name, value in result.auxiliary.items():
                auxiliary[name] = auxiliary[name] + value if name in auxiliary else value
            routing |= {f"layer{number}/{name}": v for name, v in result.routing.items()}
        streams = [norm(x) for norm, x in zip(self.final_norms, streams, strict=True)]
        return streams, auxiliary, routing
