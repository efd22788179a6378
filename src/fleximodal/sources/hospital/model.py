"""The latent model of the generated hospital: who dies, who stays long, what shows where.

Per admission: severity u and, per modality m, a private state w_m, all standard normal and
independent. Per stay, modality m shows x_m = u + sigma_m * noise and w_m. Death is logistic in u
and the w_m, length of stay log-normal with a mean that depends on u, presence of items logistic in
u, each phenotype logistic in u and one w_m.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit, ndtr, ndtri

from fleximodal.sources.hospital.phenotypes import PHENOTYPES, Phenotype

MODALITIES = ("vitals", "notes", "cxr", "ecg")

# The early part of a stay: what the 48-hour tasks see (days).
EARLY_DAYS = 2.0
DEATH_RATE_48H = 0.13
# Shares of the cohorts of Table 5: 35,129 of 73,173 stays are of 48 hours or more.
LONG_SHARE = 35_129 / 73_173
SHARES_48H = {"notes": 32_038 / 35_129, "cxr": 8_781 / 35_129, "ecg": 18_271 / 35_129}
SHARES_ALL = {"notes": 56_824 / 73_173, "cxr": 14_568 / 73_173, "ecg": 35_925 / 73_173}

_DEATH_U = 1.8
_DEATH_W = (1.6, 1.3, 1.8, 1.4)
_SIGMA = (0.6, 0.6, 0.7, 0.7)
_PRESENCE_U = (0.0, 0.5, 0.6, 0.3)
_LATE_PER_DAY = (0.0, 0.08, 0.02, 0.01)
_LOS_U = 0.65
_LOS_S = 0.6


@dataclass(frozen=True)
class LatentModel:
    """Coefficients; arrays over modalities have shape (4,), over phenotypes (25,).

    Log-odds of death: `death_0 + death_u u + sum_m death_w[m] w_m`. Logarithm of the length of stay
    in days: normal with mean `los_0 + los_u u` and standard deviation `los_s`. Log-odds of an item
    within the first two days: `presence_0 + presence_u u + presence_short log(min(days, 2) / 2)`.
    Log-odds of phenotype k: `phenotype_0 + phenotype_u u + phenotype_w w_m`, m = `phenotype_m`.
    """

    death_0: float
    death_u: float
    death_w: np.ndarray
    sigma: np.ndarray
    presence_0: np.ndarray
    presence_u: np.ndarray
    presence_short: np.ndarray
    late_per_day: np.ndarray
    los_0: float
    los_u: float
    los_s: float
    phenotype_0: np.ndarray
    phenotype_u: np.ndarray
    phenotype_w: np.ndarray
    phenotype_m: np.ndarray

    def risk(self, u: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Return the probability of death in hospital, shape (n,), of `u` (n,) and `w` (n, 4)."""
        risk: np.ndarray = expit(self.death_0 + self.death_u * u + w @ self.death_w)
        return risk

    def early(self, m: int, u: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Return the probability of an item of modality `m` in the first two days of a stay."""
        if MODALITIES[m] == "vitals":
            return np.ones(np.broadcast_shapes(np.shape(u), np.shape(days)))
        exposure = np.log(np.minimum(days, EARLY_DAYS) / EARLY_DAYS)
        shift = self.presence_short[m] * exposure
        probability: np.ndarray = expit(self.presence_0[m] + self.presence_u[m] * u + shift)
        return probability

    def late(self, m: int, days: np.ndarray) -> np.ndarray:
        """Return the probability of an item of modality `m` after the second day of a stay."""
        return 1 - np.exp(-self.late_per_day[m] * np.maximum(days - EARLY_DAYS, 0))

    def phenotypes(self, u: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Return the probability of each phenotype, shape (n, 25)."""
        own = self.phenotype_w * w[:, self.phenotype_m]
        probability: np.ndarray = expit(self.phenotype_0 + self.phenotype_u * u[:, None] + own)
        return probability

    def longer(self, u: np.ndarray, days: float) -> np.ndarray:
        """Return the probability that a stay lasts `days` or longer, given `u`."""
        longer: np.ndarray = ndtr((self.los_0 + self.los_u * u - np.log(days)) / self.los_s)
        return longer


def normal_grid(points: int = 33, limit: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of the trapezoid rule for the standard normal law."""
    nodes = np.linspace(-limit, limit, points)
    weights = np.exp(-(nodes**2) / 2)
    return nodes, weights / weights.sum()


@cache
def latent_model() -> LatentModel:
    """Return the model, its intercepts set so that the prevalences are those of the cohorts."""
    u, weight = _fine_grid()
    spread = float(np.hypot(_LOS_U, _LOS_S))
    los_0 = float(np.log(EARLY_DAYS) + spread * ndtri(LONG_SHARE))
    long = ndtr((los_0 + _LOS_U * u - np.log(EARLY_DAYS)) / _LOS_S)
    of_long = weight * long / (weight @ long)
    death_w = np.array(_DEATH_W)
    unseen = float(np.sqrt(death_w @ death_w)) * u

    def death_rate(intercept: float) -> float:
        return float(of_long @ (expit(intercept + _DEATH_U * u[:, None] + unseen) @ weight))

    # Days of stay over a grid of the noise in their logarithm: shape (u, noise).
    days = np.exp(los_0 + _LOS_U * u[:, None] + _LOS_S * u)
    presence = np.array([_presence(m, of_long, days) for m in range(len(MODALITIES))])
    return LatentModel(
        death_0=_root(death_rate, DEATH_RATE_48H),
        death_u=_DEATH_U,
        death_w=death_w,
        sigma=np.array(_SIGMA),
        presence_0=presence[:, 0],
        presence_u=np.array(_PRESENCE_U),
        presence_short=presence[:, 1],
        late_per_day=np.array(_LATE_PER_DAY),
        los_0=los_0,
        los_u=_LOS_U,
        los_s=_LOS_S,
        phenotype_0=np.array([_intercept(phenotype) for phenotype in PHENOTYPES]),
        phenotype_u=np.array([k.on_u for k in PHENOTYPES]),
        phenotype_w=np.array([k.on_w for k in PHENOTYPES]),
        phenotype_m=np.array([MODALITIES.index(k.modality) for k in PHENOTYPES]),
    )


def _fine_grid() -> tuple[np.ndarray, np.ndarray]:
    return normal_grid(81, 6.0)


def _presence(m: int, of_long: np.ndarray, days: np.ndarray) -> tuple[float, float]:
    """Return the constant and the effect of a short stay in the log-odds of presence.

    `of_long` are the weights of u in long stays, `days` has shape (u, noise).
    """
    name = MODALITIES[m]
    if name == "vitals":
        return 0.0, 0.0
    u, weight = _fine_grid()
    slope = _PRESENCE_U[m] * u
    exposure = np.log(np.minimum(days, EARLY_DAYS) / EARLY_DAYS)
    not_late = np.exp(-_LATE_PER_DAY[m] * np.maximum(days - EARLY_DAYS, 0))
    constant = _root(lambda c: float(of_long @ expit(c + slope)), SHARES_48H[name])

    def share(against_short: float) -> float:
        early = expit(constant + slope[:, None] - against_short * exposure)
        return float(weight @ ((1 - (1 - early) * not_late) @ weight))

    return constant, -_root(share, SHARES_ALL[name])


def _intercept(phenotype: Phenotype) -> float:
    u, weight = _fine_grid()
    effects = float(np.hypot(phenotype.on_u, phenotype.on_w)) * u
    return _root(lambda a: float(weight @ expit(a + effects)), phenotype.prevalence)


def _root(share: Callable[[float], float], target: float) -> float:
    """Return where an increasing `share` reaches `target`, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) < target else (low, middle)
    return low
