"""Area under the ROC curve with ties, in a sample and in expectation."""

import numpy as np


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
    _, group = np.unique(score, return_inverse=True)
    negative = 1.0 - positive
    positives = np.bincount(group, weights=positive)
    negatives = np.bincount(group, weights=negative)
    below = np.cumsum(negatives) - negatives
    oneself = float((positive * negative).sum()) if expected else 0.0
    pairs = float(positive.sum() * negative.sum()) - oneself
    if pairs <= 0:
        return None
    return float((positives * (below + negatives / 2)).sum() - oneself / 2) / pairs


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
