"""Calibration: slope of the logistic recalibration, and equal-mass bins."""

import numpy as np

from fleximodal.ranking import Floats, Ranking, divide

BINS = 10
CLIP = 1e-7  # probabilities of 0 and 1 have no logit; about the resolution of float32
STEPS = 100
TOLERANCE = 1e-10  # of the gradient, per unit of mass
SLACK = 0.1
EQUAL = "all scores are equal"
SEPARATED = "the scores separate the labels"


def logit(p: Floats) -> Floats:
    """Return log(p / (1 - p)); scipy has it too but takes long to import."""
    return np.log(p / (1 - p))


def expit(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x))."""
    with np.errstate(over="ignore"):  # exp gives infinity, the quotient zero
        return 1 / (1 + np.exp(-x))


def _clipped_logit(ranking: Ranking) -> Floats:
    return logit(np.clip(ranking.scores, CLIP, 1 - CLIP))


def _separated(x: Floats, ranking: Ranking) -> np.ndarray:
    """Return, (R,), where no finite slope exists: classes do not overlap, or one is empty."""

    def ends(mass: Floats) -> tuple[Floats, Floats]:
        seen = mass > 0
        return x[seen.argmax(axis=1)], x[x.size - 1 - seen[:, ::-1].argmax(axis=1)]

    first_positive, last_positive = ends(ranking.positive)
    first_negative, last_negative = ends(ranking.negative)
    empty = ~(ranking.positive.any(axis=1) & ranking.negative.any(axis=1))
    return empty | (last_negative <= first_positive) | (last_positive <= first_negative)


def no_slope_reason(ranking: Ranking) -> str | None:
    """Return why the first row has no calibration slope, None if it has one."""
    x = _clipped_logit(ranking)
    if x[0] == x[-1]:
        return EQUAL
    return SEPARATED if _separated(x, ranking)[0] else None


def calibration_slope(ranking: Ranking) -> Floats:
    """Return the slope b of the unpenalised logistic regression of label on a + b logit(p), (R,).

    1 is perfect, below 1 means scores too extreme (Cox 1958). Newton's method for all rows at
    once, with halved steps where one goes too far. NaN where the maximum is not finite: the scores
    separate the labels, are all equal, or one class has no mass. Scores are clipped to
    [1e-7, 1 - 1e-7].
    """
    x = _clipped_logit(ranking)
    slopes = np.full(len(ranking.positive), np.nan)
    rows = np.flatnonzero(~_separated(x, ranking))
    if rows.size == 0:
        return slopes
    centre, scale = x.mean(), x.std()
    slopes[rows] = _newton((x - centre) / scale, ranking.positive[rows], ranking.mass[rows]) / scale
    return slopes


def _newton(z: Floats, positive: Floats, mass: Floats) -> Floats:
    """Return the slopes on the standardised logits `z`, (R,); NaN where it does not converge."""
    slopes = np.full(len(mass), np.nan)
    rows = np.arange(len(mass))
    total, wanted = mass.sum(axis=1), _moments(positive, z, 2)
    beta = np.stack([logit(positive.sum(axis=1) / total), np.zeros(len(mass))], axis=1)
    step = np.zeros_like(beta)
    promised = np.zeros(len(mass))
    for _ in range(STEPS):
        expected = expit(beta[:, :1] + beta[:, 1:] * z)
        weight = mass * expected
        gradient = wanted - _moments(weight, z, 2)
        going = np.abs(gradient).max(axis=1) > TOLERANCE * total
        if not going.all():
            slopes[rows[~going]] = beta[~going, 1]
            if not going.any():
                break
            rows, mass, total, wanted, beta, step, promised, expected, weight, gradient = (
                array[going]
                for array in
                (rows, mass, total, wanted, beta, step, promised, expected, weight, gradient)
            )  # fmt: skip
        weight *= 1 - expected
        curvature = _moments(weight, z, 3)
        # The likelihood is concave: it falls at the end of a step only if the step went too far.
        too_far = (gradient * step).sum(axis=1) < -SLACK * promised
        newton = _solve(curvature, gradient)
        promise = (gradient * newton).sum(axis=1)
        step = np.where(too_far[:, None], step / 2, newton)
        promised = np.where(too_far, promised / 2, promise)
        beta = beta + np.where(too_far, -1, 1)[:, None] * step
    return slopes


def _moments(values: Floats, z: Floats, count: int) -> Floats:
    """Return the sums of `values` times z**0, z**1, ... along the scores, (R, count)."""
    # einsum without its optimisation sums in plain loops and makes no array in between.
    return np.stack([np.einsum("rg,g->r", values, z**power) for power in range(count)], axis=1)


def _solve(curvature: Floats, gradient: Floats) -> Floats:
    """Solve the 2 x 2 system [[c0, c1], [c1, c2]] step = gradient of each row."""
    c0, c1, c2 = curvature.T
    g0, g1 = gradient.T
    return np.stack([c2 * g0 - c1 * g1, c0 * g1 - c1 * g0], axis=1) / (c0 * c2 - c1**2)[:, None]


def equal_mass_bins(ranking: Ranking) -> np.ndarray:
    """Return the bin, 0 to 9, of each score in each row, (R, G).

    A score belongs to the bin that holds the middle of its mass, so equal scores stay together and
    a weight of two is the same as the stay counted twice.
    """
    mass = ranking.mass
    middle = np.cumsum(mass, axis=1) - mass / 2
    total = mass.sum(axis=1, keepdims=True)
    bins = divide(BINS * middle, total, otherwise=0.0).astype(np.int64)
    return np.minimum(bins, BINS - 1)  # the last scores may have no mass


def sum_by_bin(bins: np.ndarray, values: Floats) -> Floats:
    """Return the sum of `values` (R, G) in each bin, (R, 10)."""
    rows = len(bins)
    flat = (bins + BINS * np.arange(rows)[:, None]).ravel()
    sums = np.bincount(flat, values.ravel(), minlength=BINS * rows)
    return sums.reshape(rows, BINS).astype(np.float64)


def calibration_error(ranking: Ranking) -> Floats:
    """Return the expected calibration error over ten equal-mass bins, (R,).

    The mass-weighted mean over bins of |mean score - observed fraction| (Naeini et al. 2015, with
    bins of equal mass instead of equal width).
    """
    excess = ranking.mass * ranking.scores - ranking.positive
    per_bin = np.abs(sum_by_bin(equal_mass_bins(ranking), excess))
    return divide(per_bin.sum(axis=1), ranking.mass.sum(axis=1))
