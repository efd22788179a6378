"""The regular grid of a time series: last observation carried forward, and what was observed."""

import numpy as np

from fleximodal.dataset.packed import Series

_STAYS_AT_ONCE = 1024  # bounds the working memory, not the result


def impute_grid(
    series: Series, value: np.ndarray, *, steps: int, horizon_hours: float
) -> np.ndarray:
    """Return the imputed grid of all stays.

    Bin b covers [b h/T, (b+1) h/T) hours; an observation at the horizon h itself counts to the
    last bin, later ones to none. The value of a bin is the latest observation at or before its
    end, carried over gaps; before the first observation it is 0, the training mean of standardised
    values (FuseMoE, section on irregularity: imputation to the discretised grid). The flag of a bin
    says that the channel was observed within it.

    Parameters
    ----------
    series
        n stays with C channels.
    value
        (O,) standardised value of each observation of `series`.
    steps
        T, number of bins.
    horizon_hours
        h, end of the last bin.

    Returns
    -------
    ndarray
        (n, T, 2C) float32: C values, then C flags (0 or 1).
    """
    stays, channels = len(series.row_offsets) - 1, len(series.channels)
    grid = np.empty((stays, steps, 2 * channels), dtype=np.float32)
    row_bin = np.floor(series.hours.astype(np.float64) * steps / horizon_hours)
    row_bin = np.minimum(row_bin.astype(np.int64), steps - 1)
    beyond = series.hours > np.float32(horizon_hours)
    for start in range(0, stays, _STAYS_AT_ONCE):
        stop = min(start + _STAYS_AT_ONCE, stays)
        latest = _latest(series, row_bin, beyond, start, stop, steps)
        grid[start:stop, :, channels:] = latest > 0
        np.maximum.accumulate(latest, axis=1, out=latest)
        first = series.observation_offsets[series.row_offsets[start]]
        # Entry 0 stands for "nothing yet".
        end = series.observation_offsets[series.row_offsets[stop]]
        known = np.concatenate([np.zeros(1, dtype=np.float32), value[first:end]])
        grid[start:stop, :, :channels] = known[latest]
    return grid


def _latest(
    series: Series, row_bin: np.ndarray, beyond: np.ndarray, start: int, stop: int, steps: int
) -> np.ndarray:
    """Return per (stay, bin, channel) the latest observation, counted from 1; 0 for none."""
    first_row, last_row = series.row_offsets[start], series.row_offsets[stop]
    bounds = series.observation_offsets[first_row : last_row + 1]
    row_stay = np.repeat(np.arange(stop - start), np.diff(series.row_offsets[start : stop + 1]))
    row_cell = row_stay * steps + row_bin[first_row:last_row]
    kept = np.repeat(~beyond[first_row:last_row], np.diff(bounds))
    cell = np.repeat(row_cell, np.diff(bounds)), series.channel[bounds[0] : bounds[-1]]
    number = np.arange(1, bounds[-1] - bounds[0] + 1)
    latest = np.zeros(((stop - start) * steps, len(series.channels)), dtype=np.int32)
    # Times ascend within a stay, and of repeated indices the last assignment stays.
    latest[cell[0][kept], cell[1][kept]] = number[kept]
    return latest.reshape(stop - start, steps, len(series.channels))
