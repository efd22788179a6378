"""Linkage pruning: of variants that tell the same, some are left out.

The procedure of `--indep-pairwise` of PLINK 1.9 (Chang et al., GigaScience 2015;4:7).
"""

import numpy as np

# Of two frequencies that differ by rounding alone neither is the lower one.
_EQUAL = 2.0**-44
_BLOCK = 64


def prune(
    dosages: np.ndarray, chromosome: np.ndarray, *, window: int, step: int, r2: float
) -> np.ndarray:
    """Return which variants stay, (V,) bool.

    A window of consecutive variants of a chromosome moves by `step` variants. As long as it holds
    pairs of remaining variants with a squared correlation above `r2`, the one with the lower
    frequency of its rarer allele is left out, the later one if they are equal. Each turn takes, for
    each variant in order, the first partner. Correlations are of dosages, over the individuals
    known for both. Variants that do not vary are left out beforehand.

    Parameters
    ----------
    dosages
        (V, N) int8, -1 unknown; it may be mapped, and is read in blocks of variants.
    chromosome
        (V,), equal ones adjacent, variants in the order of position.
    window, step
        Numbers of variants.
    r2
        Largest squared correlation that two variants in a window may have.
    """
    keep = np.zeros(len(dosages), dtype=bool)
    edges = np.flatnonzero(np.diff(chromosome)) + 1
    for start, stop in zip([0, *edges], [*edges, len(dosages)], strict=True):
        part = dosages[start:stop]
        linked, frequency = _linked(part, window, r2)
        keep[start:stop] = _sweep(linked, frequency, window, step)
    return keep


def _linked(dosages: np.ndarray, window: int, r2: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which later neighbours a variant is linked to, and the rarer allele's frequency.

    The first, (V, window - 1) bool, has at [i, k] whether i and i + 1 + k are linked.
    """
    reach = window - 1
    linked = np.zeros((len(dosages), reach), dtype=bool)
    frequency = np.empty(len(dosages))
    for start in range(0, len(dosages), _BLOCK):
        rows = np.asarray(dosages[start : start + _BLOCK + reach])
        size = min(_BLOCK, len(rows))
        known = (rows >= 0).astype(np.float32)
        value = np.where(rows < 0, 0, rows).astype(np.float32)
        frequency[start : start + size] = _rarer(value[:size], known[:size])
        above = _correlated(value, known, size, r2)
        for row in range(size):
            later = above[row, row + 1 : row + window]
            linked[start + row, : len(later)] = later
    return linked, frequency


def _rarer(value: np.ndarray, known: np.ndarray) -> np.ndarray:
    share: np.ndarray = value.sum(axis=1) / (2 * np.maximum(known.sum(axis=1), 1)).astype(float)
    rarer: np.ndarray = np.minimum(share, 1 - share)
    return rarer


def _correlated(value: np.ndarray, known: np.ndarray, size: int, r2: float) -> np.ndarray:
    """Return whether the first `size` rows correlate with each row above `r2`, (size, rows) bool.

    Every sum is one of whole numbers below 2^24, and so exact.
    """
    square, rows = value**2, len(value)
    by_known = (known[:size] @ np.concatenate([known, value, square]).T).astype(float)
    count, sum2, square2 = np.split(by_known, [rows, 2 * rows], axis=1)
    by_value = (value[:size] @ np.concatenate([known, value]).T).astype(float)
    sum1, product = np.split(by_value, 2, axis=1)
    square1 = (square[:size] @ known.T).astype(float)
    covariance = count * product - sum1 * sum2
    spread = (count * square1 - sum1**2) * (count * square2 - sum2**2)
    above: np.ndarray = (spread > 0) & (covariance**2 > r2 * spread)
    return above


def _sweep(linked: np.ndarray, frequency: np.ndarray, window: int, step: int) -> np.ndarray:
    alive = np.greater(frequency, 0)
    has_partner = np.asarray(linked.any(axis=1))
    for start in range(0, len(alive), step):
        stop = min(start + window, len(alive))
        candidates = np.flatnonzero(has_partner[start:stop]) + start
        while _turn(linked, frequency, alive, candidates, stop):
            pass
        if stop == len(alive):
            break
    return alive


def _turn(
    linked: np.ndarray,
    frequency: np.ndarray,
    alive: np.ndarray,
    candidates: np.ndarray,
    stop: int,
) -> bool:
    """Leave out at most one variant per candidate; return whether any was."""
    changed = False
    for one in candidates:
        if not alive[one]:
            continue
        partners = np.flatnonzero(linked[one, : stop - one - 1] & alive[one + 1 : stop])
        if len(partners):
            other = one + 1 + partners[0]
            rarer = frequency[one] < frequency[other] * (1 - _EQUAL)
            alive[one if rarer else other] = False
            changed = True
    return changed
