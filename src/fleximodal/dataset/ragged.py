"""Ragged arrays of one modality: offsets and values, never padded."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Series:
    """An irregular time series: stays own rows (times), rows own observations.

    `row_offsets` (n+1,) int64, stay to rows; `hours` (R,) float32, ascending within a stay;
    `observation_offsets` (R+1,) int64, row to observations; `channel` (O,) int16, unique within a
    row; `value` (O,) float32 in raw units.
    """

    name: str
    channels: tuple[str, ...]
    row_offsets: np.ndarray
    hours: np.ndarray
    observation_offsets: np.ndarray
    channel: np.ndarray
    value: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by the names they have on disk."""
        return {
            "row_offsets": self.row_offsets,
            "hours": self.hours,
            "observation_offsets": self.observation_offsets,
            "channel": self.channel,
            "value": self.value,
        }

    def description(self) -> dict[str, Any]:
        """Return what the manifest says of the modality."""
        return {"name": self.name, "kind": "series", "channels": list(self.channels)}

    def fault(self, num_stays: int) -> str | None:
        """Return what is inconsistent in the arrays, None if nothing is."""
        if not _divides(self.row_offsets, num_stays, len(self.hours)):
            return "row_offsets do not divide the rows among the stays"
        if not _divides(self.observation_offsets, len(self.hours), len(self.value)):
            return "observation_offsets do not divide the observations among the rows"
        known = (self.channel >= 0) & (self.channel < len(self.channels))
        if len(self.channel) != len(self.value) or not known.all():
            return "channel numbers are out of range or of another length than values"
        return None


@dataclass(frozen=True)
class Items:
    """A sequence of feature vectors: stays own rows.

    `row_offsets` (n+1,) int64; `hours` (R,) float32; `features_array` (R, D) float32 in raw units,
    NaN where unknown.
    """

    name: str
    features: tuple[str, ...]
    row_offsets: np.ndarray
    hours: np.ndarray
    features_array: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by the names they have on disk."""
        return {
            "row_offsets": self.row_offsets,
            "hours": self.hours,
            "features": self.features_array,
        }

    def description(self) -> dict[str, Any]:
        """Return what the manifest says of the modality."""
        return {"name": self.name, "kind": "items", "features": list(self.features)}

    def fault(self, num_stays: int) -> str | None:
        """Return what is inconsistent in the arrays, None if nothing is."""
        if not _divides(self.row_offsets, num_stays, len(self.hours)):
            return "row_offsets do not divide the rows among the stays"
        wanted = (len(self.hours), len(self.features))
        if self.features_array.shape != wanted:
            return f"features have shape {self.features_array.shape}, not {wanted}"
        return None


def _divides(offsets: np.ndarray, owners: int, owned: int) -> bool:
    ends = len(offsets) == owners + 1 and offsets[0] == 0 and offsets[-1] == owned
    return bool(ends and (np.diff(offsets) >= 0).all())
