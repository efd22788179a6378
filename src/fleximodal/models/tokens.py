"""Tokens of a vector: the encoder of tables (Flex-MoE, released code)."""

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.time_embedding import TimeEmbedding

if TYPE_CHECKING:
    from fleximodal.dataset.batch import ItemsBatch


class Tokens(nn.Module):
    """Consecutive blocks of features, each a token by the same linear map.

    A block has ``ceil(features / tokens)`` features; the last ones are filled up with zeros.

    Parameters
    ----------
    features
        Features F of a vector.
    tokens
        Tokens T.
    width
        Width d of a token.
    """

    def __init__(self, *, features: int, tokens: int, width: int) -> None:
        super().__init__()
        self.tokens = tokens
        block = -(-features // tokens)
        self.lacking = tokens * block - features
        self.projection = nn.Linear(block, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, F) to (B, T, d)."""
        return self.projection(F.pad(x, (0, self.lacking)).unflatten(-1, (self.tokens, -1)))


class TokenEncoder(nn.Module):
    """Encodes the one vector of a stay as tokens.

    Parameters
    ----------
    features, tokens, width
        As for `Tokens`.
    dense
        Whether a linear map of all features to d comes first, of whose result the tokens are made.
    """

    def __init__(self, features: int, tokens: int, width: int, *, dense: bool = False) -> None:
        super().__init__()
        self.dense = nn.Linear(features, width) if dense else None
        self.tokens = Tokens(features=width if dense else features, tokens=tokens, width=width)

    def forward(
        self, items: "ItemsBatch", time: TimeEmbedding | None, query: Tensor | None
    ) -> Tensor:
        """Encode vectors as (B, T, d), an absent one as zeros; `time` and `query` are not used."""
        x = the_vector(items)
        return self.tokens(x if self.dense is None else self.dense(x))


def the_vector(items: "ItemsBatch") -> Tensor:
    """Return the vector of each stay of a table, (B, F); zeros where it is absent."""
    return (items.mask.unsqueeze(1) @ items.values).squeeze(1)
