"""The encoder of images given as volumes (Flex-MoE, released code; Esmaeilzadeh et al. 2018)."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from fleximodal.errors import FleximodalError
from fleximodal.models.modality_spec import Volume
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.tokens import Tokens, the_vector

if TYPE_CHECKING:
    from fleximodal.dataset.batch import ItemsBatch

# Channels of the convolutions, the last of which has as many as the model is wide; side of the
# pooling window after each pair of them.
CHANNELS = ((32, 32), (64, 64), (128, None))
POOLS = (2, 3, 4)

# Volumes that go through the convolutions together: one has 110 MB per 32 channels.
_TOGETHER = 8


class VolumeCNN(nn.Sequential):
    """Three times two convolutions, pooling and dropout; then a linear map.

    Maps (B, 1, X, Y, Z) to (B, width). 1,448,352 parameters for 91 x 91 x 109 and width 128.

    Parameters
    ----------
    shape
        X, Y, Z. Pooling leaves out incomplete windows, so each must be 24 or more.
    width
        Width of the result.
    dropout
        Rate at which whole channels are dropped after each pooling.

    Raises
    ------
    FleximodalError
        If the volume is too small.
    """

    def __init__(self, *, shape: tuple[int, int, int], width: int, dropout: float = 0.2) -> None:
        if min(shape) < math.prod(POOLS):
            raise FleximodalError(
                f"a volume of {shape} voxels is too small for the image encoder, whose pooling "
                f"needs {math.prod(POOLS)} along each axis; use images of that size or more"
            )
        layers: list[nn.Module] = []
        before, sides = 1, shape
        for (first, second), pool in zip(CHANNELS, POOLS, strict=True):
            for channels in (first, second or width):
                layers += [nn.Conv3d(before, channels, 3, padding=1), nn.ReLU()]
                before = channels
            layers += [nn.MaxPool3d(pool), nn.Dropout3d(dropout)]
            sides = (sides[0] // pool, sides[1] // pool, sides[2] // pool)
        super().__init__(*layers, nn.Flatten(), nn.Linear(width * math.prod(sides), width))


class VolumeEncoder(nn.Module):
    """Puts voxels in their places, and makes tokens of what the convolutions find.

    Places without a voxel are 0.

    Parameters
    ----------
    volume
        Shape of the volume, and place of each feature in it.
    tokens, width
        As for `Tokens`.
    skip_absent
        Whether absent images are left out, their tokens made of a vector of zeros; otherwise an
        empty volume is encoded.
    """

    places: Tensor

    def __init__(self, *, volume: Volume, tokens: int, width: int, skip_absent: bool) -> None:
        super().__init__()
        self.shape, self.skip_absent, self.width = volume.shape, skip_absent, width
        self.register_buffer("places", volume.places, persistent=False)
        self.cnn = VolumeCNN(shape=volume.shape, width=width)
        self.tokens = Tokens(features=width, tokens=tokens, width=width)

    def forward(
        self, items: "ItemsBatch", time: TimeEmbedding | None, query: Tensor | None
    ) -> Tensor:
        """Encode images (B, 1, voxels) as (B, T, d); `time` and `query` are not used."""
        voxels = the_vector(items)
        rows = torch.arange(len(voxels), device=voxels.device)
        if self.skip_absent:
            rows = rows[items.present]
        features = voxels.new_zeros(len(voxels), self.width)
        if len(rows):
            found = [self.cnn(self._volumes(voxels[part])) for part in rows.split(_TOGETHER)]
            features = features.index_copy(0, rows, torch.cat(found))
        return self.tokens(features)

    def _volumes(self, voxels: Tensor) -> Tensor:
        """Return (B, 1, X, Y, Z)."""
        flat = voxels.new_zeros(len(voxels), math.prod(self.shape))
        return flat.index_copy(1, self.places, voxels).view(-1, 1, *self.shape)
