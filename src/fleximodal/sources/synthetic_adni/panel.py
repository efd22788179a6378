"""Columns that show a factor through noise: drawing them, and what they tell of the factor."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.synthetic_adni.evidence import Measured


@dataclass(frozen=True)
class Panel:
    """J measured columns; written value = base + scale * standard value.

    A person's standard value is loading * factor + sqrt(1 - loading^2) * noise, the same in all of
    the person's rows; each row adds `retest` * noise of its own. All noise is standard normal.

    Attributes
    ----------
    base, scale
        (J,).
    loading
        (J,) from 0 to 1.
    factor
        (J,) which factor a column shows, -1 for none.
    retest
        Standard deviation of a repeated measurement, in units of `scale`.
    """

    base: np.ndarray
    scale: np.ndarray
    loading: np.ndarray
    factor: np.ndarray
    retest: float

    def subjects(
        self, rng: np.random.Generator, factors: np.ndarray, common: float = 0.0
    ) -> np.ndarray:
        """Return the standard values of n persons, (n, J).

        Parameters
        ----------
        rng
            Source of chance.
        factors
            (n, F).
        common
            Loading of the columns without a factor on one nuisance that they share.
        """
        noise = rng.standard_normal((len(factors), len(self.base)), dtype=np.float32)
        nuisance = rng.standard_normal((len(factors), 1), dtype=np.float32)
        shown = self.factor >= 0
        loading = np.where(shown, self.loading, common)
        signal = np.where(shown, factors[:, self.factor], nuisance)
        return (loading * signal + np.sqrt(1 - loading**2) * noise).astype(np.float32)

    def rows(
        self, rng: np.random.Generator, subjects: np.ndarray, person: np.ndarray
    ) -> np.ndarray:
        """Return the standard values of m rows of the persons, (m, J)."""
        noise = rng.standard_normal((len(person), len(self.base)), dtype=np.float32)
        return subjects[person] + np.float32(self.retest) * noise

    def measure(self, rows: np.ndarray, person: np.ndarray, persons: int) -> Measured:
        """Return what rows tell of the factors of the persons.

        The mean over a person's k values of a column, divided by the loading, is the factor plus
        normal noise of variance (1 - loading^2 + retest^2 / k) / loading^2, independent between
        columns; the factor's sufficient statistic is their mean weighted by precision.

        Parameters
        ----------
        rows
            (m, J) standard values, NaN where not written.
        person
            (m,) position of the person.
        persons
            Number of persons.
        """
        count = int(self.factor.max()) + 1
        value, precision = np.zeros((persons, count)), np.zeros((persons, count))
        for column in np.flatnonzero(self.factor >= 0):
            known = ~np.isnan(rows[:, column])
            seen = np.bincount(person[known], minlength=persons)
            total = np.bincount(person[known], rows[known, column], minlength=persons)
            loading = self.loading[column]
            weight = loading**2 / (1 - loading**2 + self.retest**2 / np.maximum(seen, 1))
            weight = np.where(seen > 0, weight, 0.0)
            precision[:, self.factor[column]] += weight
            value[:, self.factor[column]] += weight * total / np.maximum(seen, 1) / loading
        mean = np.divide(value, precision, out=np.zeros_like(value), where=precision > 0)
        return Measured(mean, precision)
