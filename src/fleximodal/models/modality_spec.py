"""What a network must know of a modality."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Kind = Literal["series", "items", "table"]


@dataclass(frozen=True)
class Volume:
    """Where the features of a table lie in an image: `shape` of the volume, `places` (D,) in it."""

    shape: tuple[int, int, int]
    places: Tensor


@dataclass(frozen=True)
class ModalitySpec:
    """A modality's name, kind, and size: its channels or features.

    A `table` has one vector per stay and no time; those of an image are voxels of a `volume`.
    """

    name: str
    kind: Kind
    size: int
    volume: Volume | None = None
