"""95 % intervals of the mean over runs, by resampling patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleximodal.evaluation.names import METRICS
from fleximodal.evaluation.part import TestPart, part_columns
from fleximodal.ranking import Floats

LEVEL = 0.95
ELEMENTS_AT_ONCE = 100_000  # weights held at a time; more falls out of the processor's cache


@dataclass(frozen=True)
class Replicates:
    """Every metric in every replicate; NaN for one that a replicate lacks.

    Attributes
    ----------
    whole
        (runs, R, metrics), in the order of METRICS: what a run reaches, see `part_columns`.
    labels
        (runs, R, K, names): what it reaches for each of its labels or classes.
    names
        The metrics that labels or classes have.
    """

    whole: Floats
    labels: Floats
    names: tuple[str, ...]


@dataclass(frozen=True)
class Interval:
    """Ends of an interval, None if no replicate has the metric; and how many lack it."""

    low: float | None
    high: float | None
    undefined: int


def draw_weights(generator: np.random.Generator, replicates: int, patients: int) -> Floats:
    """Draw `patients` patients with replacement, `replicates` times; return counts, (R, P)."""
    drawn = generator.integers(patients, size=(replicates, patients))
    drawn += patients * np.arange(replicates)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=replicates * patients)
    return counts.reshape(replicates, patients).astype(np.float64)


def bootstrap_values(runs: Sequence[TestPart], replicates: int, seed: int) -> Replicates:
    """Return every metric of every run, and of each of its labels, in every replicate.

    The patients of all runs together are resampled, so a patient drawn twice counts twice with all
    his stays, in every run that tests him: runs of one split share one draw, and the overlap of
    the test parts of different splits is kept. All labels share the draws. The thresholds of
    `f1_tuned` are not chosen anew.
    """
    patients, places = np.unique(
        np.concatenate([run.patient_id for run in runs]), return_inverse=True
    )
    places_of = np.split(places, np.cumsum([len(run.labels) for run in runs])[:-1])
    generator = np.random.default_rng(seed)
    at_once = max(1, ELEMENTS_AT_ONCE // max(patients.size, *(len(run.labels) for run in runs)))
    names = runs[0].metrics_of_labels
    whole = np.full((len(runs), replicates, len(METRICS)), np.nan)
    labels = np.full((len(runs), replicates, runs[0].num_labels, len(names)), np.nan)
    for start in range(0, replicates, at_once):
        chunk = slice(start, min(start + at_once, replicates))
        weights = draw_weights(generator, chunk.stop - start, patients.size)
        for number, (run, where) in enumerate(zip(runs, places_of, strict=True)):
            drawn = np.take(weights, where, axis=1)
            whole[number, chunk], labels[number, chunk] = part_columns(run, drawn)
    return Replicates(whole, labels, names)


def interval_of(values: Floats) -> Interval:
    """Return the percentile interval of one metric over replicates, (R,).

    Replicates without the metric (a class not drawn, labels separated) are left out and counted.
    """
    kept = values[np.isfinite(values)]
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = (float(q) for q in np.quantile(kept, tails)) if kept.size else (None, None)
    return Interval(low, high, int(values.size - kept.size))
