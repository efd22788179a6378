"""The latent truth of generated stays: severity, states, risk of death, who dies."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.physionet2012.files import SETS

FIRST_RECORD = 900_001  # the real records end at 163037
DEATH_RATE = 0.142
STATES = ("vitals", "labs", "ventilation", "static")
COEFFICIENTS = {"severity": 1.2, "vitals": 0.8, "labs": 0.8, "ventilation": 0.8, "static": 0.7}


@dataclass(frozen=True)
class Truth:
    """Latent truth of n stays, in the order of record id; every array has shape (n,)."""

    record: np.ndarray
    set_name: np.ndarray
    severity: np.ndarray
    state: dict[str, np.ndarray]
    intercept: float
    risk: np.ndarray
    death: np.ndarray


def draw_truth(rng: np.random.Generator, stays_per_set: int) -> Truth:
    """Draw latent variables (standard normal), the risk (logistic, linear in them) and deaths."""
    count = stays_per_set * len(SETS)
    severity = rng.standard_normal(count)
    state = {name: rng.standard_normal(count) for name in STATES}
    slope = COEFFICIENTS["severity"] * severity
    slope += sum(COEFFICIENTS[name] * values for name, values in state.items())
    intercept = _intercept(slope)
    risk = _logistic(intercept + slope)
    return Truth(
        record=FIRST_RECORD + np.arange(count),
        set_name=np.repeat(SETS, stays_per_set),
        severity=severity,
        state=state,
        intercept=intercept,
        risk=risk,
        death=_draw_deaths(rng, risk),
    )


def _logistic(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))


def _intercept(slope: np.ndarray) -> float:
    """Find the intercept of mean risk `DEATH_RATE` by bisection."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        too_low = _logistic(middle + slope).mean() < DEATH_RATE
        low, high = (middle, high) if too_low else (low, middle)
    return low


def _draw_deaths(rng: np.random.Generator, risk: np.ndarray) -> np.ndarray:
    """Draw deaths with probability `risk` each, and their sum within 1 of its expectation.

    Systematic sampling: in random order, whoever carries the running sum of risks (from a random
    start) over a whole number dies. Small cohorts keep the death rate in this way.
    """
    order = rng.permutation(len(risk))
    running = np.floor(np.cumsum(risk[order]) + rng.random())
    death = np.zeros(len(risk), dtype=np.int64)
    death[order] = np.diff(running, prepend=0.0) >= 1
    return death
