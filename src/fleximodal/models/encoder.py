"""The transformer encoder of one sequence, and the two blocks that all layers are made of."""

from torch import Tensor, nn

from fleximodal.models.attention import Attention
from fleximodal.models.dropout import Dropout
from fleximodal.models.feed_forward import FeedForward
from fleximodal.models.positions import Positions


class AttentionBlock(nn.Module):
    """``x + dropout(attention(norm(x), norm(source)))``, one norm for both sides.

    Parameters
    ----------
    width, heads, dropout
        As for `Attention`; dropout also on what is added.
    """

    def __init__(self, *, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width=width, heads=heads, dropout=dropout)
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Tensor, source: Tensor | None = None, *, last_only: bool = False
    ) -> Tensor:
        """Attend from `x` (B, T, width) to `source` (B, S, width), by default `x` itself.

        Returns the new `x`, or (B, 1, width), its last point, if `last_only`.
        """
        query = self.norm(x)
        key = query if source is None else self.norm(source)
        if last_only:
            x, query = x[:, -1:], query[:, -1:]
        # Without a source of its own, the three projections are one product.
        change = self.attention(query) if key is query else self.attention(query, key)
        return x + self.dropout(change)


class FeedForwardBlock(nn.Module):
    """``x + dropout(feed_forward(norm(x)))``.

    Parameters
    ----------
    width, dropout
        As for `FeedForward`; dropout also on what is added.
    """

    def __init__(self, *, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width=width, dropout=dropout)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape."""
        return x + self.dropout(self.feed_forward(self.norm(x)))


class EncoderLayer(nn.Module):
    """Attention, then feed-forward; parameters are those of `AttentionBlock`."""

    def __init__(self, *, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = AttentionBlock(width=width, heads=heads, dropout=dropout)
        self.feed_forward = FeedForwardBlock(width=width, dropout=dropout)

    def forward(self, x: Tensor, source: Tensor | None, last_only: bool) -> Tensor:
        """Return the new `x`; see `AttentionBlock`."""
        return self.feed_forward(self.attention(x, source, last_only=last_only))


class Encoder(nn.Module):
    """Positions, pre-norm layers, a norm (Zhang et al. 2023; Tsai et al. 2019 if `crossmodal`).

    No masks. 601,216 parameters for 3 layers, width 128 and 48 steps; positions of the source
    add 6,144.

    Parameters
    ----------
    steps
        Grid points T.
    width, heads, dropout
        As for `AttentionBlock`.
    layers
        Number of layers.
    crossmodal
        Whether layers attend to another sequence instead of the encoded one. It receives
        positions of its own and is the same for all layers.
    freeze_first
        As for `Positions`. Those of the source are always trained, in the released code too.
    """

    def __init__(
        self,
        *,
        steps: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        crossmodal: bool = False,
        freeze_first: bool = False,
    ) -> None:
        super().__init__()
        self.positions = Positions(
            steps=steps, width=width, dropout=dropout, freeze_first=freeze_first
        )
        self.source_positions = (
            Positions(steps=steps, width=width, dropout=dropout) if crossmodal else None
        )
        self.layers = nn.ModuleList(
            EncoderLayer(width=width, heads=heads, dropout=dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to what is found at the last point, (B, width)."""
        return self.sequence(x, last_only=True)[:, -1]

    def sequence(
        self, x: Tensor, source: Tensor | None = None, *, last_only: bool = False
    ) -> Tensor:
        """Encode `x` (B, T, width), reading `source` (B, S, width) if `crossmodal`.

        With `last_only`, the last point alone, (B, 1, width): the same numbers without the work
        for points that nothing reads any more.
        """
        x = self.positions(x)
        if self.source_positions is not None and source is not None:
            source = self.source_positions(source)
        for number, layer in enumerate(self.layers):
            x = layer(x, source, last_only and number == len(self.layers) - 1)
        return self.norm(x)
