"""Ragged arrays of one modality: offsets and values, never padded."""

from dataclasses import dataclass
from typing import Any

import numpy as np

SCALINGS = ("range", "standard", "pooled")


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


@dataclass(frozen=True)
class Table(Items):
    """One feature vector per stay, at hour 0: at most one row per stay.

    `features_array` (R, D) is float32, NaN where unknown, or int8, -1 where unknown (dosages of
    variants); it may be mapped from the file. `categorical` (D,) bool: one column of a category;
    `scaling` says how values are brought to a common range, see `fleximodal.dataset.scaler`;
    features of an image lie at `places` (D,) int64 of its flattened volume of `shape`.
    """

    categorical: np.ndarray
    scaling: str
    shape: tuple[int, int, int] | None = None
    places: np.ndarray | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by the names they have on disk."""
        placed = {} if self.places is None else {"places": self.places}
        return super().arrays() | {"categorical": self.categorical} | placed

    def description(self) -> dict[str, Any]:
        """Return what the manifest says of the modality."""
        shape = None if self.shape is None else list(self.shape)
        told = {"kind": "table", "scaling": self.scaling, "shape": shape}
        return super().description() | told

    def fault(self, num_stays: int) -> str | None:
        """Return what is inconsistent in the arrays, None if nothing is."""
        if (np.diff(self.row_offsets) > 1).any():
            return "a stay has more than one row"
        if len(self.categorical) != len(self.features):
            return "categorical has another length than the features"
        if self.scaling not in SCALINGS:
            return f"scaling is {self.scaling!r}, not one of {', '.join(SCALINGS)}"
        if (self.shape is None) != (self.places is None):
            return "a volume needs both its shape and the places of its features"
        if self.shape is not None and self.places is not None:
            inside = (self.places >= 0) & (self.places < np.prod(self.shape))
            if len(self.places) != len(self.features) or not inside.all():
                return "places do not fit the features or lie outside of the volume"
        return super().fault(num_stays)


def known_cells(features: np.ndarray) -> np.ndarray:
    """Return which cells of a table are known, bool: not NaN, and not -1 among int8 dosages."""
    known: np.ndarray = features != -1 if features.dtype == np.int8 else ~np.isnan(features)
    return known


def _divides(offsets: np.ndarray, owners: int, owned: int) -> bool:
    ends = len(offsets) == owners + 1 and offsets[0] == 0 and offsets[-1] == owned
    return bool(ends and (np.diff(offsets) >= 0).all())
