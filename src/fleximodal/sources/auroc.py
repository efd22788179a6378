"""The AUROC of generated data: in the labels drawn, and in expectation over the draw."""

import numpy as np

from fleximodal.ranking import auroc, rank


def weighted_auroc(score: np.ndarray, positive: np.ndarray, *, expected: bool) -> float | None:
    """Return the AUROC of `score` (n,), ties counted half; None where there are no pairs.

    Parameters
    ----------
    score
        Shape (n,).
    positive
        Label (0 or 1), or its probability.
    expected
        Whether `positive` are probabilities of independent labels: no one is then compared with
        oneself, and the result is the expected numerator over the expected denominator.
    """
    oneself = float((positive * (1.0 - positive)).sum()) if expected else 0.0
    value = float(auroc(rank(positive, score), oneself)[0])
    return None if np.isnan(value) else value


def expected_auroc(probability: np.ndarray) -> float:
    """Return the mean over columns of the expected AUROC of the probabilities themselves."""
    each = [weighted_auroc(column, column, expected=True) for column in probability.T]
    return float(np.mean([value for value in each if value is not None]))


def sample_auroc(score: np.ndarray, label: np.ndarray) -> float | None:
    """Return the mean AUROC over the columns in which both classes occur, None if in none."""
    each = [
        weighted_auroc(score[:, k], label[:, k].astype(float), expected=False)
        for k in range(score.shape[1])
    ]
    known = [value for value in each if value is not None]
    return float(np.mean(known)) if known else None
