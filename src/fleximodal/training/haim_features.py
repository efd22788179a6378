"""One row of features per stay: eleven statistics per channel, means of items (HAIM)."""

import numpy as np
from scipy.sparse import csr_array

from fleximodal.dataset.packed import Items, PackedDataset, Series, Table
from fleximodal.dataset.scaler import Scaler
from fleximodal.dataset.table_scaling import TableScale, scale_rows
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.statistics import STATISTICS, segment_statistics

# About so many observed values at a time keep a block's arrays in the processor's cache.
BLOCK_VALUES = 80_000
# The items of which a few are kept; of images and ECGs all are (Soenksen et al. 2022).
LIMITED = "notes"
# Embedding entries beyond this count as broken (Soenksen et al. 2022, released code).
LARGEST_ENTRY = 1e6
# How the statistics change when values are divided by s: by s, by s squared, or not at all.
_POWER = np.array([{"variance": 2, "npeaks": 0}.get(name, 1) for name in STATISTICS])
# The statistics that a shift of the values shifts too.
_SHIFTED = np.array([name in ("max", "min", "mean") for name in STATISTICS])


def feature_names(dataset: PackedDataset) -> list[str]:
    """Return the columns of `haim_features`: <channel>_<statistic>, and names of item features."""
    names: list[str] = []
    for modality in dataset.modalities.values():
        if isinstance(modality, Series):
            names += [f"{c}_{statistic}" for c in modality.channels for statistic in STATISTICS]
        else:
            names += modality.features
    return names


def haim_features(dataset: PackedDataset, scaler: Scaler, settings: HAIMSettings) -> np.ndarray:
    """Return one row of features per stay.

    Series give the eleven statistics of each channel's observed values in the order of time;
    items give the mean over a stay's items, tables their vector. Values are standardised by
    `scaler`; a channel without observation, an absent modality and an unknown feature give 0, an
    unknown cell of a table the scaler's fill. With slices: authors a stay that has notes, none of
    which is kept, has NaN there.

    Parameters
    ----------
    dataset
        n stays, already restricted to the modalities wanted.
    scaler
        Means and standard deviations of the training stays.
    settings
        `max_rows`, `max_items` and the switches `slices`, `unobserved`, `variance_ddof` and
        `zero_row`. The zero that `zero_row` appends is one of raw units, or, where zeros stand for
        unobserved time points, of standardised ones.

    Returns
    -------
    numpy.ndarray
        (n, columns) float64, of tables alone float32; columns as in `feature_names`, channel after
        channel.
    """
    parts = []
    for name, modality in dataset.modalities.items():
        mean, std = scaler.mean[name], scaler.std[name]
        if isinstance(modality, Series):
            parts.append(_series_features(modality, mean, std, settings))
        elif isinstance(modality, Table):
            parts.append(_table_features(modality, scaler.of_table(name)))
        else:
            parts.append(_items_features(modality, mean, std, settings))
    return np.concatenate(parts, axis=1)


def _series_features(
    series: Series, mean: np.ndarray, std: np.ndarray, settings: HAIMSettings
) -> np.ndarray:
    stays, channels = len(series.row_offsets) - 1, len(series.channels)
    table = np.empty((stays, channels, len(STATISTICS)))
    # Statistics of (v - mean) / std follow from those of v, so raw values are read once.
    shift, scale = mean[:, None] * _SHIFTED, std[:, None] ** _POWER
    at_once = max(1, BLOCK_VALUES * stays // max(1, len(series.value)))
    for first in range(0, stays, at_once):
        start, end = _kept(series.row_offsets[first : first + at_once + 1], settings)
        if settings.unobserved == "ignore":
            values, lengths = _observed(series, start, end)
        else:
            values, lengths = _filled(series, start, end, mean, std)
        if settings.zero_row:
            values = np.insert(values, np.cumsum(lengths), 0)
            lengths = lengths + 1
        block = segment_statistics(values, lengths.ravel(), ddof=settings.variance_ddof)
        block = block.reshape(*lengths.shape, -1).transpose(1, 0, 2)
        if settings.unobserved == "ignore":
            block = (block - (lengths.T[:, :, None] > 0) * shift) / scale
        table[first : first + len(block)] = block
    return table.reshape(stays, -1)


def _kept(rows: np.ndarray, settings: HAIMSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each stay that is kept, and the one after its last; (stays,)."""
    start, end = rows[:-1], rows[1:]
    if settings.slices == "paper":
        return np.maximum(start, end - settings.max_rows), end
    return start, np.minimum(end, start + settings.max_rows)


def _stretches(start: np.ndarray, count: np.ndarray) -> slice | np.ndarray:
    """Return the places of stretches of a flat array; a slice if there are no gaps between."""
    begin, end = int(start[0]), int(start[-1] + count[-1])
    if count.sum() == end - begin:
        return slice(begin, end)
    return np.arange(count.sum()) + np.repeat(start - (np.cumsum(count) - count), count)


def _observed(
    series: Series, start_rows: np.ndarray, end_rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the observed values by (channel, stay, time) and their counts, (channels, stays)."""
    stays, channels = len(start_rows), len(series.channels)
    start = series.observation_offsets[start_rows]
    count = series.observation_offsets[end_rows] - start
    places = _stretches(start, count)
    # Stays as rows, channels as columns: to swap them is a counting sort by channel that keeps
    # the order of stays and of time (several times faster than argsort).
    # All numbers as int32: scipy searches wider ones for their largest.
    bounds = np.append(0, np.cumsum(count)).astype(np.int32)
    by_channel = csr_array(
        (series.value[places], series.channel[places].astype(np.int32), bounds),
        shape=(stays, channels),
    ).tocsc()
    key = np.repeat(np.arange(channels, dtype=np.int32) * stays, np.diff(by_channel.indptr))
    key += by_channel.indices
    ends = np.searchsorted(key, np.arange(channels * stays + 1, dtype=np.int32))
    return by_channel.data, np.diff(ends).reshape(channels, stays)


def _filled(
    series: Series, start_rows: np.ndarray, end_rows: np.ndarray, mean: np.ndarray, std: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised values of all time points, 0 where unobserved, and their counts."""
    channels, count = len(series.channels), end_rows - start_rows
    rows = np.arange(len(series.hours))[_stretches(start_rows, count)]
    start = series.observation_offsets[rows]
    observed = series.observation_offsets[rows + 1] - start
    places = _stretches(start, observed) if len(rows) else slice(0, 0)
    channel = series.channel[places]
    values = np.zeros((channels, len(rows)))
    values[channel, np.repeat(np.arange(len(rows)), observed)] = (
        series.value[places] - mean[channel]
    ) / std[channel]
    return values.ravel(), np.tile(count, (channels, 1))


def _table_features(table: Table, scale: TableScale) -> np.ndarray:
    there = np.diff(table.row_offsets) > 0
    features = np.zeros((len(there), len(table.features)), dtype=np.float32)
    features[there] = scale_rows(table, table.row_offsets[:-1][there], scale)
    return features


def _items_features(
    items: Items, mean: np.ndarray, std: np.ndarray, settings: HAIMSettings
) -> np.ndarray:
    start, end = items.row_offsets[:-1], items.row_offsets[1:]
    present = end > start
    if items.name == LIMITED and settings.slices == "paper":
        start = np.maximum(start, end - settings.max_items)
    elif items.name == LIMITED:
        start = np.minimum(start + settings.max_items, end)
    count = end - start
    table = np.where(present & (count == 0), np.nan, np.zeros((len(mean), 1))).T
    if count.any():
        array = items.features_array[_stretches(start, count)]
        known = np.abs(array) <= LARGEST_ENTRY  # False for NaN and infinity too
        values = np.where(known, (array - mean) / std, 0)
        filled = count > 0
        first = np.cumsum(count) - count
        table[filled] = np.add.reduceat(values, first[filled]) / count[filled, None]
    return table
