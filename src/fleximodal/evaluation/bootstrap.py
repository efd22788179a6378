"""95 % intervals of the mean over runs, by resampling patients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleximodal.evaluation.metrics import metric_columns
from fleximodal.evaluation.names import METRICS
from fleximodal.ranking import Floats, both_classes, rank

LEVEL = 0.95
ELEMENTS_AT_ONCE = 100_000  # weights held at a time; more falls out of the processor's cache


@dataclass(frozen=True)
class TestPart:
    """What one run predicted for its test part; arrays have one entry per stay.

    Attributes
    ----------
    patient_id
        (n,).
    labels, scores
        (n,), or (n, K) for K labels.
    threshold
        The threshold of `f1_tuned`; (K,) for K labels.
    """

    __test__ = False  # not a test, whatever pytest makes of the name

    patient_id: NDArray[np.int64]
    labels: NDArray[np.int8]
    scores: Floats
    threshold: float | Floats

    @property
    def num_labels(self) -> int:
        """The number of labels, K."""
        return 1 if self.labels.ndim == 1 else self.labels.shape[1]

    def columns(self) -> Iterator[tuple[int, NDArray[np.int8], Floats, float]]:
        """Yield number, values (n,), scores (n,) and threshold of each label with both classes."""
        n = len(self.labels)
        labels, scores = self.labels.reshape(n, -1), self.scores.reshape(n, -1)
        thresholds = np.broadcast_to(self.threshold, self.num_labels)
        for k in np.flatnonzero(both_classes(labels)).tolist():
            yield k, labels[:, k], scores[:, k], float(thresholds[k])


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


def bootstrap_values(runs: Sequence[TestPart], replicates: int, seed: int) -> Floats:
    """Return every metric of every label and run in every replicate, (runs, R, K, metrics).

    The patients of all runs together are resampled, so a patient drawn twice counts twice with all
    his stays, in every run that tests him: runs of one split share one draw, and the overlap of
    the test parts of different splits is kept. All labels share the draws. The thresholds of
    `f1_tuned` are not chosen anew. NaN stands for a metric that a replicate lacks, and for all
    metrics of a label with one class in the run's test part.
    """
    patients, places = np.unique(
        np.concatenate([run.patient_id for run in runs]), return_inverse=True
    )
    places_of = np.split(places, np.cumsum([len(run.labels) for run in runs])[:-1])
    generator = np.random.default_rng(seed)
    at_once = max(1, ELEMENTS_AT_ONCE // max(patients.size, *(len(run.labels) for run in runs)))
    values = np.full((len(runs), replicates, runs[0].num_labels, len(METRICS)), np.nan)
    for start in range(0, replicates, at_once):
        chunk = slice(start, min(start + at_once, replicates))
        weights = draw_weights(generator, chunk.stop - start, patients.size)
        for number, (run, where) in enumerate(zip(runs, places_of, strict=True)):
            drawn = weights[:, where]
            for k, labels, scores, threshold in run.columns():
                ranking = rank(labels, scores, drawn)
                values[number, chunk, k] = metric_columns(ranking, threshold)
    return values


def interval_of(values: Floats) -> Interval:
    """Return the percentile interval of one metric over replicates, (R,).

    Replicates without the metric (a class not drawn, labels separated) are left out and counted.
    """
    kept = values[np.isfinite(values)]
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = (float(q) for q in np.quantile(kept, tails)) if kept.size else (None, None)
    return Interval(low, high, int(values.size - kept.size))
