"""What an encoder is to the store: a batch of items in, a vector each out."""

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Encoded:
    """The vectors of a batch, (n, features) float32, and counts of what was odd in it."""

    vectors: np.ndarray
    counts: Counter[str] = field(default_factory=Counter)


class ItemEncoder(ABC):
    """One frozen encoder.

    Attributes
    ----------
    features
        Length of a vector.
    batch_size
        Items per call of `encode`.
    description
        Everything that the vectors depend on besides the items; goes to the manifest, so it
        names no item and no patient.
    """

    features: int
    batch_size: int
    description: Mapping[str, Any]

    @abstractmethod
    def encode(self, batch: pl.DataFrame) -> Encoded:
        """Return the vectors of the batch's rows, in their order."""

    @abstractmethod
    def digest(self, batch: pl.DataFrame) -> bytes:
        """Return a digest of the items' contents: other contents, other vectors."""

    def cost(self, window: pl.DataFrame) -> np.ndarray | None:
        """Return what items of similar cost share (n,), to be batched together; None for none."""
        return None


def digest_of(values: pl.Series) -> bytes:
    """Return the SHA-256 of a column of strings, independent of how they would be joined."""
    total = hashlib.sha256()
    for value in values:
        total.update(hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).digest())
    return total.digest()
