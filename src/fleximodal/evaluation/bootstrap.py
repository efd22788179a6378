"""95 % intervals of the mean over runs, by resampling patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleximodal.evaluation import ranking as weighted
from fleximodal.evaluation.calibration import calibration_error, calibration_slope
from fleximodal.evaluation.names import METRICS
from fleximodal.evaluation.ranking import Floats, Ranking, rank

LEVEL = 0.95
ELEMENTS_AT_ONCE = 500_000  # weights held at a time; more falls out of the processor's cache


@dataclass(frozen=True)
class TestPart:
    """What one run predicted for its test part; all arrays have one entry per stay."""

    __test__ = False  # not a test, whatever pytest makes of the name

    patient_id: NDArray[np.int64]
    labels: NDArray[np.int8]
    scores: Floats
    threshold: float


@dataclass(frozen=True)
class Interval:
    """Ends of an interval, None if no replicate has the metric; and how many lack it."""

    low: float | None
    high: float | None
    undefined: int


def replicate_metrics(ranking: Ranking, threshold: float) -> Floats:
    """Return all metrics, in the order of METRICS, for each row of weights, (R, 7)."""
    columns = {
        "auroc": weighted.auroc(ranking),
        "auprc": weighted.auprc(ranking),
        "f1": weighted.f1(ranking, 0.5),
        "f1_tuned": weighted.f1(ranking, threshold),
        "brier": weighted.brier(ranking),
        "calibration_slope": calibration_slope(ranking),
        "calibration_error": calibration_error(ranking),
    }
    return np.stack([columns[name] for name in METRICS], axis=1)


def draw_weights(generator: np.random.Generator, replicates: int, patients: int) -> Floats:
    """Draw `patients` patients with replacement, `replicates` times; return counts, (R, P)."""
    drawn = generator.integers(patients, size=(replicates, patients))
    drawn += patients * np.arange(replicates)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=replicates * patients)
    return counts.reshape(replicates, patients).astype(np.float64)


def bootstrap_means(runs: Sequence[TestPart], replicates: int, seed: int) -> Floats:
    """Return the mean over runs of every metric in every replicate, (R, 7).

    The patients of all runs together are resampled, so a patient drawn twice counts twice with all
    his stays, in every run that tests him: runs of one split share one draw, and the overlap of
    the test parts of different splits is kept. The thresholds of `f1_tuned` are not chosen anew.
    """
    patients, places = np.unique(
        np.concatenate([run.patient_id for run in runs]), return_inverse=True
    )
    places_of = np.split(places, np.cumsum([run.labels.size for run in runs])[:-1])
    generator = np.random.default_rng(seed)
    at_once = max(1, ELEMENTS_AT_ONCE // max(patients.size, *(run.labels.size for run in runs)))
    means = []
    for start in range(0, replicates, at_once):
        weights = draw_weights(generator, min(at_once, replicates - start), patients.size)
        values = [
            replicate_metrics(rank(run.labels, run.scores, weights[:, where]), run.threshold)
            for run, where in zip(runs, places_of, strict=True)
        ]
        means.append(np.mean(values, axis=0))
    return np.concatenate(means)


def bootstrap_intervals(
    runs: Sequence[TestPart], *, replicates: int, seed: int
) -> dict[str, Interval]:
    """Return the percentile interval of the mean over runs of each metric.

    Replicates without the metric (a class not drawn, labels separated) are left out and counted.
    """
    means = bootstrap_means(runs, replicates, seed)
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    intervals = {}
    for name, column in zip(METRICS, means.T, strict=True):
        kept = column[np.isfinite(column)]
        low, high = (float(q) for q in np.quantile(kept, tails)) if kept.size else (None, None)
        intervals[name] = Interval(low, high, int(column.size - kept.size))
    return intervals
