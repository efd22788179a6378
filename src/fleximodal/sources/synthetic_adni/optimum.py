"""The best that any classifier can reach, per set of modalities.

The best score is the probability of the class given all that the files of the set show of a
subject. It is exact for the model: Bernoulli flags, binomial genotypes, whole numbers with the
probability of their rounding interval, and normal columns reduced to their sufficient statistics.
Rounding of measured columns in the files is neglected.
"""

from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import logsumexp, ndtr

from fleximodal.sources.auroc import expected_auroc, sample_auroc
from fleximodal.sources.synthetic_adni.evidence import Evidence, Measured
from fleximodal.sources.synthetic_adni.model import (
    ALLELES,
    FACTOR_MEANS,
    FLAGS,
    LETTERS,
    NUMBERS,
    PRIOR,
    TYPE_PROBABILITY,
    VENTRICLES,
    dosage_frequencies,
    genotype_probability,
    genotypes,
)

SETS = tuple(
    "".join(letters)
    for size in range(1, len(LETTERS) + 1)
    for letters in combinations(LETTERS, size)
)


def posterior(evidence: Evidence, modalities: str) -> np.ndarray:
    """Return P(class | what the subject has of the modalities), (n, 3); the prior if nothing.

    Parameters
    ----------
    evidence
        What the files show.
    modalities
        Letters of the set, for example "IGB".
    """
    image, genomic, clinical, biospecimen = (
        evidence.present[:, position] & (letter in modalities)
        for position, letter in enumerate(LETTERS)
    )
    log_weight = np.log(PRIOR) + np.zeros((len(evidence.present), 1))
    log_weight += clinical[:, None] * _of_clinical(evidence)
    log_weight += biospecimen[:, None] * _of_factors(evidence.biospecimen, FACTOR_MEANS[:2])
    atrophy = Measured(evidence.image.value[:, :1], evidence.image.precision[:, :1])
    log_weight += image[:, None] * _of_factors(atrophy, FACTOR_MEANS[2:])
    log_weight += genomic[:, None] * _of_type(evidence)
    log_weight += _of_apoe(evidence, genomic, biospecimen)
    log_weight += _of_ventricles(evidence, image, genomic)
    return np.exp(log_weight - logsumexp(log_weight, axis=1, keepdims=True))


def _of_clinical(evidence: Evidence) -> np.ndarray:
    affirmative = np.array(list(FLAGS.values()))
    answers = evidence.flags[:, :, None]
    each = np.where(answers == 1, np.log(affirmative), np.log(1 - affirmative))
    total: np.ndarray = np.where(answers < 0, 0.0, each).sum(axis=1)
    for column, (mean, deviation, low, top) in enumerate(NUMBERS.values()):
        value = evidence.numbers[:, column, None]
        upper = np.where(value >= top, np.inf, value + 0.5)
        lower = np.where(value <= low, -np.inf, value - 0.5)
        share = ndtr((upper - np.array(mean)) / deviation)
        share -= ndtr((lower - np.array(mean)) / deviation)
        total = total + np.where(np.isnan(value), 0.0, np.log(share))
    return total


def _of_factors(measured: Measured, means: np.ndarray) -> np.ndarray:
    """Return the log-likelihood of the factors with the given means, (F, K), up to a constant."""
    seen = measured.precision > 0
    spread = np.sqrt(1 + np.divide(1, measured.precision, where=seen, out=np.zeros(seen.shape)))
    distance = (measured.value[:, :, None] - means) / spread[:, :, None]
    # Without the terms that all classes share.
    each = -(distance**2) / 2
    return np.where(seen[:, :, None], each, 0.0).sum(axis=1)


def _of_type(evidence: Evidence) -> np.ndarray:
    """Return the log-likelihood of the variants of the type, summed over it."""
    log_type = np.log([1 - TYPE_PROBABILITY, TYPE_PROBABILITY])
    on_type = _of_dosages(evidence.type_dosage, dosage_frequencies())
    return np.asarray(logsumexp(on_type[:, :, None] + log_type, axis=1))


def _of_dosages(dosage: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Return the log-likelihood of the known dosages, (n, columns of `frequencies`)."""
    by_count = np.log([(1 - frequencies) ** 2, 2 * frequencies * (1 - frequencies), frequencies**2])
    each = by_count[dosage, np.arange(dosage.shape[1])]
    return np.where(dosage[:, :, None] < 0, 0.0, each).sum(axis=1)


def _of_apoe(evidence: Evidence, genomic: np.ndarray, biospecimen: np.ndarray) -> np.ndarray:
    """Return the log-likelihood of what is known of the APOE genotype, from either modality."""
    pairs = genotypes()
    possible = np.ones((len(genomic), len(pairs)), dtype=bool)
    for column, allele in enumerate((ALLELES[2], ALLELES[0])):
        dosage = evidence.apoe_dosage[:, column, None]
        agrees = (dosage < 0) | (dosage == (pairs == allele).sum(axis=1))
        possible &= agrees | ~genomic[:, None]
    written = evidence.apoe[:, None] == np.arange(len(pairs))
    possible &= written | ~biospecimen[:, None]
    return np.log(possible @ genotype_probability())


def _of_ventricles(evidence: Evidence, image: np.ndarray, genomic: np.ndarray) -> np.ndarray:
    """Return the log-likelihood of the ventricles, summed over the switch given the genotypes."""
    on_genotypes = _of_dosages(evidence.switch_dosage, dosage_frequencies())
    on_genotypes = np.where(genomic[:, None], on_genotypes, 0.0)
    log_switch = on_genotypes - logsumexp(on_genotypes, axis=1, keepdims=True)
    ventricles = Measured(evidence.image.value[:, 1:], evidence.image.precision[:, 1:])
    by_sign = [_of_factors(ventricles, sign * VENTRICLES[None]) for sign in (-1, 1)]
    both = logsumexp(np.stack(by_sign, axis=1) + log_switch[:, :, None], axis=1)
    return np.where(image[:, None], both, 0.0)


def reached(probability: np.ndarray, classes: np.ndarray) -> dict[str, Any]:
    """Return the accuracy and macro one-vs-rest AUROC of true probabilities.

    Parameters
    ----------
    probability
        (n, 3).
    classes
        (n,) drawn classes.

    Returns
    -------
    dict
        `subjects`, and each metric in expectation over the classes given what is seen
        (`expected`) and with the classes drawn (`sample`).
    """
    if not len(classes):
        return {"subjects": 0}
    one_hot = classes[:, None] == np.arange(len(PRIOR))
    return {
        "subjects": len(classes),
        "accuracy": {
            "expected": float(probability.max(axis=1).mean()),
            "sample": float((probability.argmax(axis=1) == classes).mean()),
        },
        "macro_auroc": {
            # One subject alone makes no pair.
            "expected": expected_auroc(probability) if len(classes) > 1 else None,
            "sample": sample_auroc(probability, one_hot),
        },
    }
