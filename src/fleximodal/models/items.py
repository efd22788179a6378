"""Encoders of items: vectors with a time each, such as notes or images."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from fleximodal.models.mtand import MultiTimeAttention
from fleximodal.models.time_embedding import TimeEmbedding

if TYPE_CHECKING:
    from fleximodal.dataset.batch import ItemsBatch


class ItemsEncoder(nn.Module):
    """Multi-time attention over items, all features of an item observed at once.

    Parameters
    ----------
    features
        Features of an item.
    width, time_width, time_heads, dropout
        As for `MultiTimeAttention`.
    """

    def __init__(
        self, *, features: int, width: int, time_width: int, time_heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention = MultiTimeAttention(
            time_width=time_width,
            value_width=features,
            width=width,
            heads=time_heads,
            dropout=dropout,
        )

    def forward(
        self, items: "ItemsBatch", time: TimeEmbedding | None, query: Tensor | None
    ) -> Tensor:
        """Encode items as (B, T, width)."""
        assert time is not None and query is not None
        return self.attention(query, time(items.times), items.values, items.mask)


class ItemsProjection(nn.Module):
    """Items without time attention: projected, averaged, the same at every grid point.

    The projection is a convolution with kernel 1, no bias. NOTE[DIFF] The published ablation
    lets the five item positions replace the 48 grid points, which fits no fusion of unequal
    lengths.

    Parameters
    ----------
    features
        Features of an item.
    width
        Width of the result.
    steps
        Grid points.
    """

    def __init__(self, *, features: int, width: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.projection = nn.Linear(features, width, bias=False)

    def forward(
        self, items: "ItemsBatch", time: TimeEmbedding | None, query: Tensor | None
    ) -> Tensor:
        """Encode items as (B, T, width); `time` and `query` are not used."""
        weights = items.mask / items.mask.sum(1, keepdim=True).clamp_min(1.0)
        mean = (weights.unsqueeze(1) @ items.values).squeeze(1)
        return self.projection(mean).unsqueeze(1).expand(-1, self.steps, -1)
