"""What the raw files show of each person's hidden state: all that the optimum may use."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Measured:
    """Factors as seen through measured columns: z plus normal noise of known variance.

    Attributes
    ----------
    value
        (n, factors) unbiased estimate; 0 where nothing is seen.
    precision
        (n, factors) 1 / variance of its error given the factor; 0 where nothing is seen.
    """

    value: np.ndarray
    precision: np.ndarray

    def joined(self, other: "Measured") -> "Measured":
        """Return the estimate from both, whose errors are independent."""
        precision = self.precision + other.precision
        total = self.value * self.precision + other.value * other.precision
        value = np.divide(total, precision, out=np.zeros_like(total), where=precision > 0)
        return Measured(value, precision)


@dataclass
class Evidence:
    """What is seen of n persons.

    Attributes
    ----------
    present
        (n, 4) observed modalities, order of `model.MODALITIES`.
    flags
        (n, flags) 1 or 0, -1 where never answered.
    numbers
        (n, numbers) whole numbers, NaN where never given.
    biospecimen, image
        Factors amyloid and tau; atrophy and ventricles.
    apoe
        (n,) position in `model.genotypes` as written in the table, -1 without a row.
    apoe_dosage
        (n, 2) number of alleles 4 and 2 as genotyped, -1 unknown.
    type_dosage, switch_dosage
        (n, variants) as genotyped, -1 unknown.
    """

    present: np.ndarray
    flags: np.ndarray
    numbers: np.ndarray
    biospecimen: Measured
    image: Measured
    apoe: np.ndarray
    apoe_dosage: np.ndarray
    type_dosage: np.ndarray
    switch_dosage: np.ndarray
