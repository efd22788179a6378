"""The eleven statistics of a series (Soenksen et al. 2022), for many series in one pass."""

from functools import lru_cache

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


def segment_statistics(values: np.ndarray, lengths: np.ndarray, *, ddof: int = 1) -> np.ndarray:
    """Return the eleven statistics of each of S series that are stored one after another.

    With values v_1..v_n and differences d_i = v_{i+1} - v_i: max, min and mean of v; its variance;
    mean d; mean, maximum and sum of abs(d); v_n - v_1; the number of strict local maxima (a flat
    top counts once, end points never); the slope of the least-squares line through (0, v_1),
    (1, v_2), ... What is undefined (all of an empty series; the variance, differences and slope of
    a single value) is 0.

    Parameters
    ----------
    values
        (N,) finite values in any unit, in the order of time within a series.
    lengths
        (S,) number of values of each series; they sum to N. Empty series are allowed.
    ddof
        The variance divides by n - ddof.

    Returns
    -------
    numpy.ndarray
        (S, 11) float64, columns as in `STATISTICS`.
    """
    statistics = np.zeros((len(lengths), len(STATISTICS)))
    filled = lengths > 0
    if not filled.any():
        return statistics
    # In place where possible: touching new memory costs more than the arithmetic.
    v = np.asarray(values, dtype=np.float64)
    n = lengths[filled]
    end = np.cumsum(n)
    start = end - n
    steps = np.maximum(n - 1, 1)

    mean = np.add.reduceat(v, start) / n
    # A rounded mean may leave the range of its values, which shows in constant series.
    high, low = np.maximum.reduceat(v, start), np.minimum.reduceat(v, start)
    mean = np.clip(mean, low, high)
    work = np.repeat(mean, n)
    np.subtract(v, work, out=work)  # centred
    # Places count from the first series on; the sum of the centred values, zero but for rounding,
    # moves them to the middle of each series.
    product = _places(1 << len(v).bit_length())[: len(v)] * work
    moved = np.add.reduceat(product, start) - (start + (n - 1) / 2) * np.add.reduceat(work, start)
    slope = moved / np.where(n > 1, n * (n**2 - 1.0) / 12, 1)
    np.multiply(work, work, out=work)
    variance = np.add.reduceat(work, start) / np.maximum(n - ddof, 1)

    # work[i] = v[i+1] - v[i]; 0 where that would reach into the next series.
    np.subtract(v[1:], v[:-1], out=work[:-1])
    work[end - 1] = 0
    peaks = _count_peaks(work, start, end)
    np.abs(work, out=work)
    sum_size = np.add.reduceat(work, start)
    whole = v[end - 1] - v[start]

    columns = (
        high,
        low,
        mean,
        variance,
        whole / steps,
        sum_size / steps,
        np.maximum.reduceat(work, start),
        sum_size,
        whole,
        peaks,
        slope,
    )
    statistics[filled] = np.stack(columns, axis=1)
    return statistics


def _count_peaks(difference: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Count, per series, the rises that are followed by a fall, flat stretches left out.

    The last difference of each series, which leads to the next one, is zero.
    """
    rises, falls = difference > 0, difference < 0
    tops = np.zeros(len(difference), dtype=bool)
    np.logical_and(rises[:-1], falls[1:], out=tops[:-1])
    flat = ~(rises | falls)
    flat[end - 1] = False
    stretches = np.flatnonzero(flat)
    if len(stretches):
        # A flat top is a stretch of zeros between a rise and a fall. A stretch that begins with
        # the series has the previous one's last difference before it, one that ends with it its
        # own.
        gap = np.flatnonzero(np.diff(stretches) > 1)
        before = stretches[np.append(0, gap + 1)] - 1
        after = stretches[np.append(gap, len(stretches) - 1)] + 1
        tops[before[rises[before] & falls[after]]] = True
    return np.add.reduceat(tops, start, dtype=np.int64)


@lru_cache(maxsize=1)
def _places(size: int) -> np.ndarray:
    """Return 0, 1, ..., kept because to fill memory costs more than to read it."""
    return np.arange(size, dtype=np.float64)
