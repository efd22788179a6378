"""The eleven statistics of a series (Soenksen et al. 2022), for many series in one pass."""

import numpy as np

STATISTICS = (
    "max",
    "min",
    "mean",
    "variance",
    "meandiff",
    "meanabsdiff",
    "maxdiff",
    "sumabsdiff",
    "diff",
    "npeaks",
    "trend",
)


def segment_statistics(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the eleven statistics of each of S series that are stored one after another.

    With values v_1..v_n and differences d_i = v_{i+1} - v_i: max, min and mean of v; its variance
    (divisor n - 1); mean d; mean, maximum and sum of abs(d); v_n - v_1; the number of strict local
    maxima (a flat top counts once, end points never); the slope of the least-squares line through
    (0, v_1), (1, v_2), ... What is undefined (all of an empty series; the variance, differences
    and slope of a single value) is 0.

    Parameters
    ----------
    values
        (N,) finite values in any unit, in the order of time within a series.
    lengths
        (S,) number of values of each series; they sum to N. Empty series are allowed.

    Returns
    -------
    numpy.ndarray
        (S, 11) float64, columns as in `STATISTICS`.
    """
    statistics = np.zeros((len(lengths), len(STATISTICS)))
    filled = lengths > 0
    if not filled.any():
        return statistics
    v = np.asarray(values, dtype=np.float64)
    n = lengths[filled]
    end = np.cumsum(n)
    start = end - n
    steps = np.maximum(n - 1, 1)

    mean = np.add.reduceat(v, start) / n
    # A rounded mean may leave the range of its values, which shows in constant series.
    high, low = np.maximum.reduceat(v, start), np.minimum.reduceat(v, start)
    mean = np.clip(mean, low, high)
    # In place where possible: touching new memory costs more than the arithmetic.
    centred = np.repeat(mean, n)
    np.subtract(v, centred, out=centred)
    product = np.repeat(-(start + (n - 1) / 2), n)
    product += np.arange(len(v))
    product *= centred
    spread = np.where(n > 1, n * (n**2 - 1.0) / 12, 1)
    slope = np.add.reduceat(product, start) / spread
    variance = np.add.reduceat(np.square(centred, out=centred), start) / steps

    # difference[i] = v[i+1] - v[i]; 0 where that would reach into the next series.
    difference = np.empty_like(v)
    np.subtract(v[1:], v[:-1], out=difference[:-1])
    difference[end - 1] = 0
    size = np.abs(difference)
    sum_size = np.add.reduceat(size, start)
    whole = v[end - 1] - v[start]

    columns = (
        high,
        low,
        mean,
        variance,
        whole / steps,
        sum_size / steps,
        np.maximum.reduceat(size, start),
        sum_size,
        whole,
        _count_peaks(difference, start, end),
        slope,
    )
    statistics[filled] = np.column_stack(columns)
    return statistics


def _count_peaks(difference: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Count, per series, the rises that are followed by a fall, flat stretches left out.

    `difference` is overwritten: NaN between two series is neither rise nor fall.
    """
    difference[end - 1] = np.nan
    rises, falls, flat = difference > 0, difference < 0, difference == 0
    tops = np.flatnonzero(rises[:-1] & falls[1:])
    # A flat top is a stretch of zeros between a rise and a fall. Each stretch ends before the NaN;
    # one that begins at the very start has no place before it.
    before = np.flatnonzero(flat[1:] & ~flat[:-1])
    after = 1 + np.flatnonzero(flat[:-1] & ~flat[1:])
    flat_tops = before[rises[before] & falls[after[len(after) - len(before) :]]]
    peaks = np.sort(np.concatenate([tops, flat_tops]))
    return np.searchsorted(peaks, end) - np.searchsorted(peaks, start)
