"""What a network must know of a modality."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ModalitySpec:
    """A modality's name, kind, and size: its channels or features."""

    name: str
    kind: Literal["series", "items"]
    size: int
