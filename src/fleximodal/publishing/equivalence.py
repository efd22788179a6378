"""Is a measured mean the published one? Two one-sided tests of the means of two sets of runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from fleximodal.publishing.claims import DIFFERENT, EQUIVALENT, INCONCLUSIVE, judge


@dataclass(frozen=True)
class Rule:
    """How verdicts are found: the margin of each metric, as a fraction, and the level."""

    margin: Mapping[str, float]
    level: float


@dataclass(frozen=True)
class Sample:
    """Mean, sample standard deviation (n - 1) and number of runs; None where there is no spread."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Comparison:
    """Measured minus published with its interval, the p-value of equivalence, and the verdict."""

    difference: float
    low: float | None
    high: float | None
    p: float | None
    verdict: str


def compare(
    published: Sample,
    measured: Sample,
    *,
    margin: float,
    level: float,
    interval: tuple[float | None, float | None] = (None, None),
) -> Comparison:
    """Hold a measured mean against a published one.

    With the standard error SE and the degrees of freedom of Welch (1947), equivalence within the
    margin M is tested by two one-sided tests (Schuirmann 1987): the p-value is the greater one of
    P(T > (d + M) / SE) and P(T < (d - M) / SE), d being measured minus published. The verdict is

    equivalent
        if p is below the level, however small a difference is then also found;
    different
        if it is not, and the Welch interval of d at 1 - level leaves out zero;
    inconclusive
        otherwise: the runs cannot tell.

    Where one side has a single run there is no deviation over runs to test with. The verdict is
    then that of `judge` on `interval`, the interval of the measured mean from resampled patients,
    with the published mean taken as exact; p is missing.

    Parameters
    ----------
    published, measured
        In one unit.
    margin
        Largest difference that counts as equivalent, in that unit; fixed before the runs.
    level
        Level of the tests.
    interval
        Ends of the interval of the measured mean from resampled patients.
    """
    difference = measured.mean - published.mean
    if measured.n < 2 or published.n < 2 or measured.sd is None or published.sd is None:
        low, high = (None if end is None else end - published.mean for end in interval)
        verdict = judge(published.mean, *interval, margin)
        return Comparison(difference, low, high, None, verdict)
    parts = (published.sd**2 / published.n, measured.sd**2 / measured.n)
    error = sum(parts) ** 0.5
    if error == 0:
        verdict = EQUIVALENT if abs(difference) < margin else DIFFERENT
        p = 0.0 if verdict == EQUIVALENT else 1.0
        return Comparison(difference, difference, difference, p, verdict)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (sample.n - 1) for part, sample in zip(parts, (published, measured), strict=True)
    )
    p = max(
        float(stdtr(freedom, -(difference + margin) / error)),
        float(stdtr(freedom, (difference - margin) / error)),
    )
    reach = float(stdtrit(freedom, 1 - level / 2)) * error
    low, high = difference - reach, difference + reach
    if p < level:
        return Comparison(difference, low, high, p, EQUIVALENT)
    verdict = INCONCLUSIVE if low <= 0 <= high else DIFFERENT
    return Comparison(difference, low, high, p, verdict)
