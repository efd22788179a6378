"""The slope of log loss on log n, with an interval from resampled replicates."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVEL = 0.95
FEWEST = 3  # sizes that a slope needs, and values that a size needs to count
STATISTICS: dict[str, Callable[..., Floats]] = {"median": np.nanmedian, "mean": np.nanmean}


def fit_slope(sizes: Floats, centres: Floats) -> tuple[Floats, Floats]:
    """Return constants and exponents of c n^s fitted by least squares in log-log.

    Parameters
    ----------
    sizes
        n, (m,).
    centres
        A positive loss per size, (..., m); sizes where it is nan are left out.

    Returns
    -------
    tuple
        c and s, (...); nan with fewer than three sizes.
    """
    known = np.isfinite(centres) & (centres > 0)
    log_n = np.where(known, np.log(sizes), 0.0)
    log_loss = np.log(np.where(known, centres, 1.0))
    count = known.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_n, mean_loss = log_n.sum(-1) / count, log_loss.sum(-1) / count
        off = np.where(known, log_n - mean_n[..., None], 0.0)
        slope = (off * log_loss).sum(-1) / (off**2).sum(-1)
    slope = np.where(count >= FEWEST, slope, np.nan)
    return np.exp(mean_loss - slope * mean_n), slope


def slope_with_interval(
    sizes: Floats, losses: Floats, statistic: str, *, replicates: int, seed: int
) -> dict[str, Any] | None:
    """Return the slope of a statistic over replicates, and its 95 % percentile interval.

    Parameters
    ----------
    sizes
        n, (m,).
    losses
        Loss of every replicate, (m, R); nan where a replicate has none. Sizes with fewer than
        three values are left out.
    statistic
        "median" or "mean" over replicates.
    replicates, seed
        Resamples of replicates, drawn for every size on its own because their data are
        independent, and the seed of the draw.

    Returns
    -------
    dict or None
        "constant", "slope", "low", "high", "deviation" (of the resampled slopes), "fits" and
        "sizes" used; None with fewer than three sizes.
    """
    kept = np.isfinite(losses).sum(1) >= FEWEST
    if kept.sum() < FEWEST:
        return None
    sizes, losses = sizes[kept], losses[kept]
    centre = STATISTICS[statistic]
    constant, slope = fit_slope(sizes, centre(losses, axis=1))
    random = np.random.default_rng(seed)
    drawn = random.integers(losses.shape[1], size=(replicates, *losses.shape))
    resampled = np.take_along_axis(losses[None], drawn, axis=2)
    with warnings.catch_warnings():
        # A resample may hold no value of a size where few replicates have one.
        warnings.simplefilter("ignore", RuntimeWarning)
        _, slopes = fit_slope(sizes, centre(resampled, axis=2))
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = np.nanquantile(slopes, tails)
    return {
        "constant": float(constant),
        "slope": float(slope),
        "low": float(low),
        "high": float(high),
        "deviation": float(np.nanstd(slopes)),
        "fits": int(np.isfinite(losses).sum()),
        "sizes": sizes.astype(int).tolist(),
    }
