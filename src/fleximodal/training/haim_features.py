"""One row of features per stay: eleven statistics per channel, means of items (HAIM)."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.dataset.scaler import Scaler
from fleximodal.training.statistics import STATISTICS, segment_statistics

# So many stays at a time keep a block's arrays in the processor's cache.
BLOCK_STAYS = 64
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


def haim_features(dataset: PackedDataset, scaler: Scaler, *, max_rows: int) -> np.ndarray:
    """Return one row of features per stay.

    Series give the eleven statistics of each channel's observed values in the order of time;
    items give the mean over a stay's items. Values are standardised by `scaler`; a channel
    without observation and an unknown feature give 0.

    Parameters
    ----------
    dataset
        n stays, already restricted to the modalities wanted.
    scaler
        Means and standard deviations of the training stays.
    max_rows
        Most recent time points of each series that are used.

    Returns
    -------
    numpy.ndarray
        (n, columns) float64; columns as in `feature_names`, channel after channel.
    """
    parts = []
    for name, modality in dataset.modalities.items():
        mean, std = scaler.mean[name], scaler.std[name]
        if isinstance(modality, Series):
            parts.append(_series_features(modality, mean, std, max_rows))
        else:
            parts.append(_items_features(modality, mean, std))
    return np.concatenate(parts, axis=1)


def _series_features(
    series: Series, mean: np.ndarray, std: np.ndarray, max_rows: int
) -> np.ndarray:
    stays, channels = len(series.row_offsets) - 1, len(series.channels)
    table = np.empty((stays, channels, len(STATISTICS)))
    # Statistics of (v - mean) / std follow from those of v, so raw values are read once.
    shift, scale = mean[:, None] * _SHIFTED, std[:, None] ** _POWER
    for first, values, lengths in _blocks(series, max_rows):
        lengths = lengths.reshape(channels, -1)
        block = segment_statistics(values, lengths.ravel()).reshape(*lengths.shape, -1)
        block = block.transpose(1, 0, 2)
        observed = lengths.T[:, :, None] > 0
        table[first : first + len(block)] = (block - observed * shift) / scale
    return table.reshape(stays, -1)


def _blocks(series: Series, max_rows: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield the first stay of a block, its values by (channel, stay, time), their counts."""
    rows, channels = series.row_offsets, len(series.channels)
    for first in range(0, len(rows) - 1, BLOCK_STAYS):
        end_rows = rows[first + 1 : first + 1 + BLOCK_STAYS]
        stays = len(end_rows)
        start_rows = np.maximum(rows[first : first + stays], end_rows - max_rows)
        start = series.observation_offsets[start_rows]
        count = series.observation_offsets[end_rows] - start
        begin, end = (int(start[0]), int(start[-1] + count[-1]))
        channel, value = series.channel[begin:end], series.value[begin:end]
        if count.sum() < end - begin:
            # Some stay is longer than max_rows: leave out the gaps between the kept stretches.
            gaps = np.repeat(start - begin - (np.cumsum(count) - count), count)
            kept = np.arange(len(gaps)) + gaps
            channel, value = channel[kept], value[kept]
        # Stays as rows, channels as columns: to swap them is a counting sort by channel that
        # keeps the order of stays and of time (several times faster than argsort).
        bounds = np.concatenate([[0], np.cumsum(count)])
        by_channel = csr_array(
            (value, channel.astype(np.int32), bounds), shape=(stays, channels)
        ).tocsc()
        key = np.repeat(np.arange(channels, dtype=np.int32) * stays, np.diff(by_channel.indptr))
        key += by_channel.indices
        yield (
            first,
            by_channel.data,
            np.diff(np.searchsorted(key, np.arange(channels * stays + 1, dtype=np.int32))),
        )


def _items_features(items: Items, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    known = np.abs(items.features_array) <= LARGEST_ENTRY  # False for NaN and infinity too
    values = np.where(known, (items.features_array - mean) / std, 0)
    count = np.diff(items.row_offsets)
    total = np.zeros((len(count), values.shape[1]))
    np.add.at(total, np.repeat(np.arange(len(count)), count), values)
    return total / np.maximum(count, 1)[:, None]
