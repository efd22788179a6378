"""The metrics of one run, from labels and scores of its test part."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_recall_curve,
    roc_auc_score,
)

from fleximodal.evaluation import calibration
from fleximodal.evaluation.names import METRICS
from fleximodal.evaluation.ranking import Floats, rank

Labels = NDArray[np.integer]


def auroc(labels: Labels, scores: Floats, weights: Floats | None = None) -> float:
    """Return the area under the ROC curve."""
    return float(roc_auc_score(labels, scores, sample_weight=weights))


def auprc(labels: Labels, scores: Floats, weights: Floats | None = None) -> float:
    """Return the average precision (no interpolation between points of the curve)."""
    return float(average_precision_score(labels, scores, sample_weight=weights))


def f1(
    labels: Labels, scores: Floats, threshold: float = 0.5, weights: Floats | None = None
) -> float:
    """Return F1 of the positive class, predicted where score >= `threshold`; 0 if none is."""
    flagged = np.asarray(scores) >= threshold
    return float(f1_score(labels, flagged, sample_weight=weights, zero_division=0.0))


def brier(labels: Labels, scores: Floats, weights: Floats | None = None) -> float:
    """Return the mean squared distance between score and label."""
    return float(brier_score_loss(labels, scores, sample_weight=weights))


def calibration_slope(
    labels: Labels, scores: Floats, weights: Floats | None = None
) -> tuple[float | None, str | None]:
    """Return the slope of label on logit(score), or None and the reason why there is none."""
    ranking = rank(labels, scores, None if weights is None else weights[None])
    reason = calibration.no_slope_reason(ranking)
    if reason is not None:
        return None, reason
    slope = float(calibration.calibration_slope(ranking)[0])
    return (slope, None) if np.isfinite(slope) else (None, "the regression did not converge")


def calibration_error(labels: Labels, scores: Floats, weights: Floats | None = None) -> float:
    """Return the expected calibration error over ten bins of equal mass."""
    ranking = rank(labels, scores, None if weights is None else weights[None])
    return float(calibration.calibration_error(ranking)[0])


def best_f1_threshold(labels: Labels, scores: Floats) -> float:
    """Return the score that, taken as threshold, gives the highest F1; the lowest of equals.

    To be chosen on the validation part, never on the part that is reported.
    """
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    precision, recall = precision[:-1], recall[:-1]
    total = precision + recall
    value = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return float(thresholds[np.argmax(value)])


def measure(
    labels: Labels, scores: Floats, threshold: float
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return all metrics by name, and the reasons of those that do not exist (None).

    Parameters
    ----------
    labels
        (n,) 0 or 1, both present.
    scores
        (n,) probabilities of label 1.
    threshold
        The threshold of `f1_tuned`, chosen on the validation part.
    """
    slope, reason = calibration_slope(labels, scores)
    values: dict[str, float | None] = {
        "auroc": auroc(labels, scores),
        "auprc": auprc(labels, scores),
        "f1": f1(labels, scores),
        "f1_tuned": f1(labels, scores, threshold),
        "brier": brier(labels, scores),
        "calibration_slope": slope,
        "calibration_error": calibration_error(labels, scores),
    }
    return {name: values[name] for name in METRICS}, (
        {} if reason is None else {"calibration_slope": reason}
    )
