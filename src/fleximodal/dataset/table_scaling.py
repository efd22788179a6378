"""How the values of a table are brought to a common range, and what fills its unknown cells.

Everything is fitted on some rows and a few columns at a time, so that a matrix of dosages is never
held as floating-point numbers. Scaled values are (value - mean) / std, whatever the scaling.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fleximodal.dataset.ragged import Table, known_cells

NumericFill = Literal["column_mean", "first_column", "median", "none"]
CategoricalFill = Literal["mode", "none"]

_CELLS_AT_ONCE = 4_000_000  # bounds the working memory, not the result


@dataclass(frozen=True)
class Filling:
    """What stands in an unknown cell, after scaling.

    Attributes
    ----------
    numeric
        column_mean, median: of the column's known values; first_column: the mean of the table's
        first numeric column in all of them (register H-17); none: zero.
    categorical
        mode: the most frequent value of the column, the least of equally frequent ones, as
        scikit-learn's SimpleImputer; none: zero.
    """

    numeric: NumericFill = "column_mean"
    categorical: CategoricalFill = "mode"


DEFAULT = Filling()


@dataclass(frozen=True)
class TableScale:
    """`mean`, `std` in raw and `fill` in scaled units, each (D,) float64."""

    mean: np.ndarray
    std: np.ndarray
    fill: np.ndarray


def fit_table(table: Table, rows: np.ndarray, filling: Filling = DEFAULT) -> TableScale:
    """Fit scale and fill on the known cells of some rows.

    Parameters
    ----------
    table
        R rows, D features.
    rows
        Numbers of the rows to fit on.
    filling
        What stands in an unknown cell.

    Notes
    -----
    Scaling `range` maps minimum and maximum of a column to -1 and 1, a constant column to -1, as
    scikit-learn's MinMaxScaler; `standard` gives a column mean 0 and deviation 1 (division by n; a
    constant one keeps deviation 1); `pooled` has one mean and deviation of all cells. A column
    without a known cell has mean 0, deviation 1 and fill 0. Under `range`, categories of a table of
    floating-point numbers stay as they were encoded (register H-40); dosages are no such.
    """
    size = len(table.features)
    mean, std, fill = np.zeros(size), np.ones(size), np.zeros(size)
    encoded = table.categorical & (table.features_array.dtype.kind == "f")
    if table.scaling == "pooled":
        mean[:], std[:] = _pooled(table, rows)
    for columns, values, known in _blocks(table, rows):
        if table.scaling == "range":
            middle, half = _range(values, known)
            mean[columns] = np.where(encoded[columns], 0.0, middle)
            std[columns] = np.where(encoded[columns], 1.0, half)
        elif table.scaling == "standard":
            mean[columns], std[columns] = _standard(values, known)
        raw = _fill(values, known, table.categorical[columns], filling)
        scaled = (raw - mean[columns]) / std[columns]
        fill[columns] = np.where(np.isnan(raw), 0.0, scaled)
    numeric = np.flatnonzero(~table.categorical)
    if filling.numeric == "first_column" and len(numeric):
        fill[numeric] = fill[numeric[0]]
    return TableScale(mean, std, fill)


def scale_rows(table: Table, rows: np.ndarray, scale: TableScale) -> np.ndarray:
    """Return some rows scaled and filled, (rows, D) float32."""
    values = table.features_array[rows]
    scaled = (values - scale.mean) / scale.std
    return np.where(known_cells(values), scaled, scale.fill).astype(np.float32)


def _blocks(table: Table, rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yield columns, their values (rows, some) float64 and which of them are known."""
    size, at_once = len(table.features), max(1, _CELLS_AT_ONCE // max(1, len(rows)))
    for start in range(0, size, at_once):
        columns = slice(start, min(start + at_once, size))
        values = table.features_array[:, columns][rows]
        known = known_cells(values)
        yield columns, values.astype(np.float64), known


def _pooled(table: Table, rows: np.ndarray) -> tuple[float, float]:
    total, count = 0.0, 0
    for _, values, known in _blocks(table, rows):
        total += float(values[known].sum())
        count += int(known.sum())
    if not count:
        return 0.0, 1.0
    mean = total / count
    squares = sum(float(((v[known] - mean) ** 2).sum()) for _, v, known in _blocks(table, rows))
    std = float(np.sqrt(squares / count))
    return mean, std if std > 0 else 1.0


def _range(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
    there = low <= high
    low, high = np.where(there, low, 0.0), np.where(there, high, 0.0)
    # A constant column counts as if it were of length 1, so that its value becomes -1.
    half = np.where(high > low, high - low, 1.0) / 2
    return np.where(there, low + half, 0.0), np.where(there, half, 1.0)


def _standard(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    centred = np.where(known, values - mean, 0.0)
    std = np.sqrt((centred**2).sum(axis=0) / count)
    # Compared exactly: the rounding of the mean gives a constant column a tiny deviation.
    low = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    high = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
    return mean, np.where(low < high, std, 1.0)


def _fill(
    values: np.ndarray, known: np.ndarray, categorical: np.ndarray, filling: Filling
) -> np.ndarray:
    """Return the fill of each column in raw units, NaN for none."""
    fill = np.full(len(categorical), np.nan)
    there = known.any(axis=0)
    numeric = np.flatnonzero(~categorical & there)
    if filling.numeric in ("column_mean", "first_column"):
        inside = np.where(known[:, numeric], values[:, numeric], 0.0)
        fill[numeric] = inside.sum(axis=0) / known[:, numeric].sum(axis=0)
    elif filling.numeric == "median" and len(numeric):
        inside = np.where(known[:, numeric], values[:, numeric], np.nan)
        fill[numeric] = np.nanmedian(inside, axis=0)
    modal = np.flatnonzero(categorical & there)
    if filling.categorical == "mode":
        fill[modal] = _modes(values[:, modal], known[:, modal])
    return fill


def _modes(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the most frequent known value of each column, the least of equally frequent ones."""
    modes = np.full(values.shape[1], np.nan)
    most = np.zeros(values.shape[1], dtype=np.int64)
    # The columns of a table of categories share a handful of values.
    for value in np.unique(values[known]):
        count = ((values == value) & known).sum(axis=0)
        better = count > most
        modes[better], most[better] = value, count[better]
    return modes
