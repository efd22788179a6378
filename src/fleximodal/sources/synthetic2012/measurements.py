"""Generated measurements and descriptors of stays whose latent truth is known."""

import numpy as np
import polars as pl

from fleximodal.sources.physionet2012.channels import CHANNELS
from fleximodal.sources.physionet2012.records import LAST_MINUTE
from fleximodal.sources.synthetic2012.signals import PRESENCE, ROW_RATES, SIGNALS
from fleximodal.sources.synthetic2012.truth import Truth

_LIMITS = {channel.name: (channel.low, channel.high) for channel in CHANNELS}
_EMPTY_STAYS_PER_SET = 2


def draw_series(rng: np.random.Generator, truth: Truth) -> pl.DataFrame:
    """Draw all time-series rows: stay (position), minute, parameter, value; in no set order."""
    count = len(truth.record)
    empty = np.zeros(count, dtype=bool)
    for name in np.unique(truth.set_name):
        members = np.flatnonzero(truth.set_name == name)
        empty[rng.choice(members, _EMPTY_STAYS_PER_SET, replace=False)] = True
    frames = []
    for modality, signals in SIGNALS.items():
        constant, by_severity, by_state = PRESENCE[modality]
        odds = np.exp(constant + by_severity * truth.severity + by_state * truth.state[modality])
        present = (rng.random(count) < odds / (1 + odds)) & ~empty
        rows = 1 + rng.poisson(ROW_RATES[modality] * np.exp(0.15 * truth.severity))
        stay = np.repeat(np.arange(count), np.where(present, rows, 0))
        minute = rng.integers(1, LAST_MINUTE + 1, size=len(stay))
        for signal in signals:
            # One deviation per stay, kept over its hours, and one per measurement.
            deviation = rng.standard_normal(count)
            has_channel = rng.random(count) < signal.in_stays
            seen = has_channel[stay] & (rng.random(len(stay)) < signal.in_rows)
            who, when = stay[seen], minute[seen]
            # Severity shows more the longer the stay lasts, so that the course tells something.
            grown = truth.severity[who] * (0.6 + 0.8 * when / LAST_MINUTE)
            noise = 0.7 * deviation[who] + 0.7 * rng.standard_normal(len(who))
            effect = (
                signal.severity * grown
                + signal.state * truth.state[modality][who]
                + signal.noise * noise
            )
            value: np.ndarray = signal.base * np.exp(effect) if signal.log else signal.base + effect
            value = np.round(np.clip(value, *_LIMITS[signal.name]), signal.decimals)
            frames.append(
                pl.DataFrame({"stay": who, "minute": when, "value": value}).select(
                    "stay", "minute", pl.lit(signal.name).alias("parameter"), "value"
                )
            )
    return pl.concat(frames)


def draw_descriptors(rng: np.random.Generator, truth: Truth) -> dict[str, np.ndarray]:
    """Draw the descriptors Age, Gender, Height, ICUType, Weight, each of shape (n,), none unknown.

    Age is the state of the static modality; the kind of unit leans on the severity.
    """
    count = len(truth.record)
    gender = (rng.random(count) < 0.56).astype(float)
    height = np.round(163 + 13 * gender + 7 * rng.standard_normal(count), 1)
    weight = 70 + 14 * gender + 16 * rng.standard_normal(count)
    leaning = 0.6 * truth.severity + 0.8 * rng.standard_normal(count)
    # From least to most severe: after heart surgery (2), coronary (1), surgical (4), medical (3).
    icu_type = np.array([2.0, 1.0, 4.0, 3.0])[np.searchsorted([-0.77, -0.36, 0.36], leaning)]
    return {
        "Age": np.clip(np.round(65 + 14 * truth.state["static"]), 16, 90),
        "Gender": gender,
        "Height": height,
        "ICUType": icu_type,
        "Weight": np.round(np.clip(weight, 35, 200), 1),
    }


def draw_outcomes(rng: np.random.Generator, truth: Truth) -> pl.DataFrame:
    """Draw the outcomes table with the column names of the release; -1 is unknown."""
    count = len(truth.record)
    died = truth.death == 1
    log_odds = np.log(truth.risk / (1 - truth.risk))
    saps = np.clip(np.round(17 + 1.7 * log_odds + 3 * rng.standard_normal(count)), 0, 34)
    sofa = np.clip(np.round(9 + 1.2 * log_odds + 2 * rng.standard_normal(count)), 0, 24)
    saps[rng.random(count) < 0.03] = -1
    stay_days = 2 + np.round(np.exp(2 + 0.7 * rng.standard_normal(count))).astype(int)
    days_after = 1 + np.round(rng.exponential(300, count)).astype(int)
    followed = rng.random(count) < 0.3
    survival = np.where(died, stay_days, np.where(followed, stay_days + days_after, -1))
    return pl.DataFrame(
        {
            "RecordID": truth.record,
            "SAPS-I": saps.astype(int),
            "SOFA": sofa.astype(int),
            "Length_of_stay": stay_days,
            "Survival": survival,
            "In-hospital_death": truth.death,
        }
    )
