"""The hidden state of each person, drawn given the class."""

from dataclasses import dataclass, fields

import numpy as np

from fleximodal.sources.synthetic_adni.model import (
    FACTOR_MEANS,
    FLAGS,
    NUMBERS,
    TYPE_PROBABILITY,
    VENTRICLES,
    dosage_frequencies,
    genotype_probability,
)


@dataclass(frozen=True)
class Latents:
    """Hidden states of n persons.

    Attributes
    ----------
    factors
        (n, 4) amyloid, tau, atrophy, ventricles.
    apoe
        (n,) position in `model.genotypes`.
    type_dosage, switch_dosage
        (n, variants) number of counted alleles, 0 to 2.
    flags
        (n, flags) whether abnormal, in the order of `model.FLAGS`.
    numbers
        (n, numbers) whole numbers, in the order of `model.NUMBERS`.
    """

    factors: np.ndarray
    apoe: np.ndarray
    type_dosage: np.ndarray
    switch_dosage: np.ndarray
    flags: np.ndarray
    numbers: np.ndarray

    def of(self, chosen: np.ndarray) -> "Latents":
        """Return the states of the chosen persons (mask or positions)."""
        return Latents(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def draw_latents(rng: np.random.Generator, classes: np.ndarray) -> Latents:
    """Draw the hidden states of persons of the given classes, (n,) of 0, 1, 2."""
    count = len(classes)
    switch = rng.integers(0, 2, count)
    kind = (rng.random(count) < TYPE_PROBABILITY[classes]).astype(int)
    means = np.column_stack([FACTOR_MEANS.T[classes], (2 * switch - 1) * VENTRICLES[classes]])
    up_to = genotype_probability().cumsum(axis=0)[:-1].T[classes]
    affirmative = np.array(list(FLAGS.values())).T[classes]
    numbers = [
        np.clip(np.rint(np.array(mean)[classes] + deviation * rng.standard_normal(count)), low, top)
        for mean, deviation, low, top in NUMBERS.values()
    ]
    return Latents(
        factors=means + rng.standard_normal(means.shape),
        apoe=(rng.random((count, 1)) > up_to).sum(axis=1),
        type_dosage=rng.binomial(2, dosage_frequencies().T[kind]).astype(np.int8),
        switch_dosage=rng.binomial(2, dosage_frequencies().T[switch]).astype(np.int8),
        flags=rng.random(affirmative.shape) < affirmative,
        numbers=np.column_stack(numbers),
    )
