"""The metrics of one label or of several classes, for any number of weightings at once."""

import numpy as np
from numpy.typing import ArrayLike

from fleximodal import class_ranking as of_classes
from fleximodal import ranking as weighted
from fleximodal.class_ranking import ClassRanking
from fleximodal.evaluation.calibration import (
    calibration_error,
    calibration_slope,
    no_slope_reason,
)
from fleximodal.evaluation.names import CLASS_METRICS, METRICS
from fleximodal.ranking import Floats, Ranking, divide, rank

FIXED = 0.5  # the threshold of `f1`, `auroc_hard`, `accuracy` and `macro_f1` of two classes


def metric_columns(ranking: Ranking, threshold: float) -> Floats:
    """Return all metrics, in the order of METRICS, for each row of weights, (R, metrics).

    `threshold` is that of `f1_tuned`; NaN stands for what does not exist in a row.
    """
    columns = {
        "auroc": weighted.auroc(ranking),
        "auprc": weighted.auprc(ranking),
        "f1": weighted.f1(ranking, FIXED),
        "f1_tuned": weighted.f1(ranking, threshold),
        "brier": weighted.brier(ranking),
        "calibration_slope": calibration_slope(ranking),
        "calibration_error": calibration_error(ranking),
        "auroc_hard": weighted.auroc_hard(ranking, FIXED),
        "accuracy": weighted.accuracy(ranking, FIXED),
        "macro_f1": weighted.macro_f1(ranking, FIXED),
    }
    return np.stack([columns[name] for name in METRICS], axis=1)


def class_columns(ranking: ClassRanking) -> tuple[Floats, Floats]:
    """Return the metrics of several classes, in the orders of METRICS and of CLASS_METRICS.

    Returns
    -------
    whole
        (R, metrics). AUROC and AUPRC are means over the classes, each against the rest; `f1` is
        `macro_f1`. NaN for what is defined for two classes alone.
    classes
        (R, C, class metrics). NaN for a class that has no mass in a row; such a class is left out
        of that row's means of AUROC and AUPRC.
    """
    macro_f1 = of_classes.macro_f1(ranking)
    whole = {
        "auroc": of_classes.auroc(ranking),
        "auprc": of_classes.auprc(ranking),
        "f1": macro_f1,
        "brier": of_classes.brier(ranking),
        "accuracy": of_classes.accuracy(ranking),
        "macro_f1": macro_f1,
    }
    single = {
        "auroc": of_classes.class_auroc(ranking),
        "auprc": of_classes.class_auprc(ranking),
        "f1": of_classes.class_f1(ranking),
    }
    absent = np.full_like(macro_f1, np.nan)
    return (
        np.stack([whole.get(name, absent) for name in METRICS], axis=1),
        np.stack([single[name] for name in CLASS_METRICS], axis=2),
    )


def measure(
    labels: ArrayLike, scores: ArrayLike, threshold: float
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
    ranking = rank(labels, scores)
    found = metric_columns(ranking, threshold)[0].tolist()
    values = {n: None if np.isnan(v) else v for n, v in zip(METRICS, found, strict=True)}
    if values["calibration_slope"] is not None:
        return values, {}
    reason = no_slope_reason(ranking) or "the regression did not converge"
    return values, {"calibration_slope": reason}


def best_f1_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the score that, taken as threshold, gives the highest F1; the lowest of equals.

    To be chosen on the validation part, never on the part that is reported.
    """
    ranking = rank(labels, scores)
    hits = np.cumsum(ranking.positive[0, ::-1])[::-1]
    flagged = np.cumsum(ranking.mass[0, ::-1])[::-1]
    value = divide(2 * hits, flagged + hits[0])
    return float(ranking.scores[np.argmax(value)])
