"""The regular grid of a time series: imputed values, and what was observed."""

import numpy as np

from fleximodal.dataset.packed import Series
from fleximodal.dataset.reading import Imputation

_STAYS_AT_ONCE = 1024  # bounds the working memory, not the result
# Hours in single precision may lie this far, in bins, before the edge that a time is on.
_EDGE = 1e-5


def impute_grid(
    series: Series,
    value: np.ndarray,
    *,
    steps: int,
    horizon_hours: float,
    imputation: Imputation = "locf_mean",
) -> np.ndarray:
    """Return the imputed grid of all stays.

    Bin b covers [b h/T, (b+1) h/T) hours. The flag of a bin says that the channel was observed
    within it. Values depend on `imputation`:

    locf_mean
        The latest observation at or before the end of the bin, carried over gaps; before the first
        observation 0, the training mean of standardised values (FuseMoE, section on irregularity:
        imputation to the discretised grid). An observation at the horizon h itself counts to the
        last bin, later ones to none.
    authors_f_impute
        NOTE[DIFF] As in the released code, which walks over the times of a stay: at each, channels
        observed then take their values, and the others that of the bin before, if it is not 0. So
        a bin without any time is 0, an observed 0 is never carried, and a later time of the same
        bin can replace an observation by an older one. Observations at or after the horizon are
        dropped. (The bin before the first one is the last, which is still 0 then.)

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
    imputation
        What fills the bins without an observation.

    Returns
    -------
    ndarray
        (n, T, 2C) float32: C values, then C flags (0 or 1).
    """
    stays, channels = len(series.row_offsets) - 1, len(series.channels)
    carried = imputation == "locf_mean"
    grid = np.empty((stays, steps, 2 * channels), dtype=np.float32)
    place = series.hours.astype(np.float64) * steps / horizon_hours
    row_bin = np.floor(place + _EDGE).astype(np.int64)
    horizon = np.float32(horizon_hours)
    beyond = series.hours > horizon if carried else series.hours >= horizon
    row_bin = np.minimum(row_bin, steps - 1)
    for start in range(0, stays, _STAYS_AT_ONCE):
        stop = min(start + _STAYS_AT_ONCE, stays)
        latest = _latest(series, row_bin, beyond, start, stop, steps)
        grid[start:stop, :, channels:] = latest > 0
        if carried:
            np.maximum.accumulate(latest, axis=1, out=latest)
        first = series.observation_offsets[series.row_offsets[start]]
        # Entry 0 stands for "nothing yet".
        end = series.observation_offsets[series.row_offsets[stop]]
        known = np.concatenate([np.zeros(1, dtype=np.float32), value[first:end]])
        grid[start:stop, :, :channels] = known[latest]
        if not carried:
            newest = _newest(series, row_bin, beyond, start, stop, steps)
            _carry_like_authors(grid[start:stop, :, :channels], latest, newest)
    return grid


def _newest(
    series: Series, row_bin: np.ndarray, beyond: np.ndarray, start: int, stop: int, steps: int
) -> np.ndarray:
    """Return per (stay, bin) the number of observations before its last time, -1 without a time.

    Observations are counted from the first of stay `start` on; one of a number above this was made
    at the last time of its bin.
    """
    first_row, last_row = series.row_offsets[start], series.row_offsets[stop]
    stay = np.repeat(np.arange(stop - start), np.diff(series.row_offsets[start : stop + 1]))
    kept = ~beyond[first_row:last_row]
    offsets = series.observation_offsets
    newest = np.full((stop - start, steps), -1, dtype=np.int64)
    before = offsets[first_row:last_row] - offsets[first_row]
    # Times ascend within a stay, and of repeated indices the last assignment stays.
    newest[stay[kept], row_bin[first_row:last_row][kept]] = before[kept]
    return newest


def _carry_like_authors(values: np.ndarray, latest: np.ndarray, newest: np.ndarray) -> None:
    """Fill `values` (n, T, C), which holds the latest observation of each bin, 0 for none."""
    for step in range(1, values.shape[1]):
        number, last = latest[:, step], newest[:, step, None]
        before = values[:, step - 1]
        replaced = (number <= last) & (before != 0)
        np.copyto(values[:, step], before, where=replaced)


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
