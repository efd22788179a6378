"""TF: the outer product of all modalities."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Entries that a product of three or more modalities may have.
LARGEST_PRODUCT = 10_000


class TensorFusion(nn.Module):
    """Two linear layers over the outer product of last steps (Zadeh et al. 2017).

    ``relu(linear(relu(linear(vec([x_1, 1] x ... x [x_M, 1])))))`` (Zhang et al. 2023), the last
    modality's index running fastest; the ones keep each modality and each subset of them among
    the entries. Width 128 and two modalities give 16,641 entries and 2,130,176 + 16,512
    parameters.

    NOTE[DIFF] The original has networks of its own in front of the product. Projections of three
    and more modalities are an extension (ours).

    Parameters
    ----------
    widths
        Width of each modality's vector.
    hidden
        Width of both layers.
    projection
        Width that each vector is projected to first; None leaves them as they are.
    """

    def __init__(
        self, *, widths: Sequence[int], hidden: int, projection: int | None = None
    ) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Identity() if projection is None else nn.Linear(width, projection)
            for width in widths
        )
        entries = 1
        for width in widths:
            entries *= (width if projection is None else projection) + 1
        self.first = nn.Linear(entries, hidden)
        self.second = nn.Linear(hidden, hidden)

    def forward(self, vectors: list[Tensor]) -> Tensor:
        """Map vectors (B, width_m) to (B, hidden)."""
        parts = [project(x) for project, x in zip(self.projections, vectors, strict=True)]
        return self.second(self.first(outer_product(parts)).relu()).relu()


def outer_product(vectors: list[Tensor]) -> Tensor:
    """Return the product of vectors (B, w_m), each with a one appended: (B, prod(w_m + 1))."""
    product = vectors[0].new_ones(len(vectors[0]), 1)
    for vector in vectors:
        factor = torch.cat([vector, vector.new_ones(len(vector), 1)], dim=-1)
        product = (product.unsqueeze(2) * factor.unsqueeze(1)).flatten(1)
    return product


def product_width(modalities: int, width: int) -> int | None:
    """Return the projection for so many modalities (ours), or None where none is needed.

    Two keep their full width, as published. More are projected to the largest power of two, at
    most 16, for which the product has at most `LARGEST_PRODUCT` entries: 16 for three (4,913),
    8 for four (6,561).
    """
    if modalities <= 2:
        return None
    power = 16
    while power > 1 and (power + 1) ** modalities > LARGEST_PRODUCT:
        power //= 2
    return min(power, width)
