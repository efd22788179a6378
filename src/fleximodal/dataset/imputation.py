"""Absent tables of a stay are filled in: with the fills of unknown cells, or from another stay."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from fleximodal.dataset.packed import PackedDataset
from fleximodal.dataset.ragged import Table
from fleximodal.dataset.scaler import Scaler
from fleximodal.dataset.table_scaling import scale_rows

Imputation = Literal["none", "mean", "nearest"]

_STAYS_AT_ONCE = 128  # bounds the working memory, not the result
_DIGITS = 9  # to which distances are told apart, so that equal vectors are equally far


def with_imputed_tables(
    dataset: PackedDataset, scaler: Scaler, train: np.ndarray, how: Imputation
) -> PackedDataset:
    """Return the dataset in which every stay has every table.

    Parameters
    ----------
    dataset
        n stays.
    scaler
        Fitted on the training stays; distances are of scaled and filled values.
    train
        Positions of the training stays, from whom alone anything is taken.
    how
        none changes nothing. mean: a row of unknown cells, which take the scaler's fill. nearest:
        the vector of the training stay that is nearest by the mean squared distance over the
        features of all tables that both have, of equally near ones that of the smallest stay_id;
        a row of unknown cells where no training stay can be compared.
    """
    tables = {
        name: modality
        for name, modality in dataset.modalities.items()
        if isinstance(modality, Table)
    }
    if how == "none" or not tables:
        return dataset
    row = {name: _row_of(table) for name, table in tables.items()}
    lacking = np.flatnonzero(np.any([rows < 0 for rows in row.values()], axis=0))
    donors: dict[str, np.ndarray] = {name: np.full(len(lacking), -1) for name in tables}
    if how == "nearest":
        order = np.array(train)[np.argsort(dataset.stay_id[train], kind="stable")]
        for start in range(0, len(lacking), _STAYS_AT_ONCE):
            block = slice(start, start + _STAYS_AT_ONCE)
            far = _distances(tables, row, scaler, lacking[block], order)
            for name in tables:
                donors[name][block] = _nearest(far, order, row[name])
    filled = {}
    for name, table in tables.items():
        rows = row[name].copy()
        absent = rows[lacking] < 0
        rows[lacking[absent]] = donors[name][absent]
        filled[name] = _with_rows(table, rows)
    # In the order of the dataset, on which the models rely.
    modalities = {name: filled.get(name, kept) for name, kept in dataset.modalities.items()}
    return replace(dataset, modalities=modalities)


def _row_of(table: Table) -> np.ndarray:
    """Return the row of each stay, (n,), -1 for none."""
    there = np.diff(table.row_offsets) > 0
    return np.where(there, table.row_offsets[:-1], -1)


def _distances(
    tables: Mapping[str, Table],
    row: Mapping[str, np.ndarray],
    scaler: Scaler,
    stays: np.ndarray,
    others: np.ndarray,
) -> np.ndarray:
    """Return mean squared distances (stays, others), infinite where no table is common."""
    total = np.zeros((len(stays), len(others)))
    features = np.zeros_like(total)
    for name, table in tables.items():
        scale = scaler.of_table(name)
        own = np.flatnonzero(row[name][stays] >= 0)
        theirs = np.flatnonzero(row[name][others] >= 0)
        mine = scale_rows(table, row[name][stays[own]], scale).astype(np.float64)
        for start in range(0, len(theirs), _STAYS_AT_ONCE):
            some = theirs[start : start + _STAYS_AT_ONCE]
            values = scale_rows(table, row[name][others[some]], scale).astype(np.float64)
            squares = (mine**2).sum(1)[:, None] + (values**2).sum(1) - 2 * mine @ values.T
            cells = np.ix_(own, some)
            total[cells] += np.maximum(squares, 0)
            features[cells] += len(table.features)
    known = features > 0
    mean = np.divide(total, features, out=np.full_like(total, np.inf), where=known)
    return mean.round(_DIGITS)


def _nearest(far: np.ndarray, others: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return for each stay the row of its nearest other one that has a row, -1 for none."""
    there = np.flatnonzero(row[others] >= 0)
    if not len(there):
        return np.full(len(far), -1)
    best = far[:, there].argmin(axis=1)
    comparable = np.isfinite(far[np.arange(len(far)), there[best]])
    return np.where(comparable, row[others[there[best]]], -1)


def _with_rows(table: Table, rows: np.ndarray) -> Table:
    """Return a table with one row per stay: that of `rows`, unknown cells for -1."""
    values = table.features_array[np.maximum(rows, 0)] if len(table.hours) else None
    unknown = -1 if table.features_array.dtype == np.int8 else np.nan
    if values is None:
        values = np.full((len(rows), len(table.features)), unknown, table.features_array.dtype)
    values[rows < 0] = unknown
    return replace(
        table,
        row_offsets=np.arange(len(rows) + 1, dtype=np.int64),
        hours=np.zeros(len(rows), dtype=np.float32),
        features_array=values,
    )
