"""What one run predicted for its test part, and its metrics for any number of weightings."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fleximodal.class_ranking import one_hot, rank_classes
from fleximodal.evaluation.metrics import class_columns, metric_columns
from fleximodal.evaluation.names import CLASS_METRICS, METRICS
from fleximodal.ranking import Floats, both_classes, mean_of_known, rank


@dataclass(frozen=True)
class TestPart:
    """What one run predicted for its test part; arrays have one entry per stay.

    Attributes
    ----------
    patient_id
        (n,).
    labels, scores
        (n,), or (n, K) for K labels; (n,) classes and their (n, C) probabilities for C classes.
    threshold
        The threshold of `f1_tuned`; (K,) for K labels; NaN for several classes.
    """

    __test__ = False  # not a test, whatever pytest makes of the name

    patient_id: NDArray[np.int64]
    labels: NDArray[np.int8]
    scores: Floats
    threshold: float | Floats

    @property
    def has_classes(self) -> bool:
        """Whether a stay has one of several classes."""
        return self.labels.ndim < self.scores.ndim

    @property
    def num_labels(self) -> int:
        """The number of labels, K, or of classes."""
        return 1 if self.scores.ndim == 1 else self.scores.shape[1]

    @property
    def metrics_of_labels(self) -> tuple[str, ...]:
        """The metrics that each label or class has."""
        return CLASS_METRICS if self.has_classes else METRICS

    def indicators(self) -> NDArray[np.int8]:
        """Return the values of each label, or of each class against the rest, (n, K)."""
        if self.has_classes:
            return one_hot(self.labels, self.num_labels)
        return self.labels.reshape(len(self.labels), -1)

    def columns(self) -> Iterator[tuple[int, NDArray[np.int8], Floats, float]]:
        """Yield number, values (n,), scores (n,) and threshold of each label with both values.

        Several classes are as many labels, each class against the rest.
        """
        labels, scores = self.indicators(), self.scores.reshape(len(self.scores), -1)
        thresholds = np.broadcast_to(self.threshold, self.num_labels)
        for k in np.flatnonzero(both_classes(labels)).tolist():
            yield k, labels[:, k], scores[:, k], float(thresholds[k])


def part_columns(part: TestPart, weights: Floats) -> tuple[Floats, Floats]:
    """Return metrics of a part as a whole and of its labels, for each row of weights (R, n).

    Returns
    -------
    whole
        (R, metrics): of the only label, or the mean over the labels that have the metric, or what
        `class_columns` says of several classes.
    labels
        (R, K, metrics of labels). NaN for what a row lacks, and for all metrics of a label with one
        value in the part.
    """
    if part.has_classes:
        return class_columns(rank_classes(part.labels, part.scores, weights))
    values = np.full((len(weights), part.num_labels, len(METRICS)), np.nan)
    for k, labels, scores, threshold in part.columns():
        values[:, k] = metric_columns(rank(labels, scores, weights), threshold)
    return mean_of_known(values, axis=1), values
