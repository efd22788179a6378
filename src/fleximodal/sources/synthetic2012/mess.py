"""The faults of the real release, put into generated rows in about their real shares."""

import numpy as np
import polars as pl

from fleximodal.sources.physionet2012.records import LAST_MINUTE

_OUTLIERS = {"Temp": -17.8, "HR": 0.0, "SysABP": 0.0, "NIDiasABP": 0.0, "pH": 735.0, "Mg": 37.5}
_OUTLIER_SHARE = 0.002
_AT_48H_SHARE = 0.0003
_MINUS_ONE_SHARE = 0.005
_NAMELESS_SHARE = 0.0015
_DUPLICATE_SHARE = 0.001
_CONFLICTS = ("MAP", "Urine", "Temp")
_CONFLICT_SHARE = 0.01


def spoil_series(rng: np.random.Generator, rows: pl.DataFrame, in_c: np.ndarray) -> pl.DataFrame:
    """Return the rows with faults: at least one of each kind that the rows allow.

    Parameters
    ----------
    rng
        Source of chance.
    rows
        Columns stay, minute, parameter, value.
    in_c
        By stay, whether it is in set c: nameless rows and -1 in pressures occur there only.
    """
    name = rows["parameter"].to_numpy()
    minute, value = rows["minute"].to_numpy().copy(), rows["value"].to_numpy().copy()
    stay = rows["stay"].to_numpy()
    c = in_c[stay]
    for parameter, outlier in _OUTLIERS.items():
        value[_some(rng, name == parameter, _OUTLIER_SHARE)] = outlier
    value[_some(rng, c & np.isin(name, ["DiasABP", "NIDiasABP"]), _MINUS_ONE_SHARE)] = -1
    minute[_some(rng, name == "HR", _AT_48H_SHARE)] = LAST_MINUTE
    spoilt = rows.with_columns(minute=minute, value=value)
    conflicting = spoilt[_some(rng, np.isin(name, _CONFLICTS), _CONFLICT_SHARE)]
    return pl.concat(
        [
            spoilt,
            spoilt[_some(rng, np.ones(len(name), dtype=bool), _DUPLICATE_SHARE)],
            conflicting.with_columns((pl.col("value") * 1.02).round(1)),
            spoilt[_some(rng, c, _NAMELESS_SHARE)].with_columns(parameter=pl.lit("")),
        ]
    )


def spoil_descriptors(
    rng: np.random.Generator, descriptors: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the descriptors with -1 for unknown ones and heights in wrong units."""
    spoilt = {name: values.copy() for name, values in descriptors.items()}
    anyone = np.ones(len(spoilt["Height"]), dtype=bool)
    metres_or_feet = _some(rng, anyone, 0.002)
    spoilt["Height"][_some(rng, anyone, 0.47)] = -1
    spoilt["Height"][metres_or_feet] = rng.choice([13.0, 454.7], size=len(metres_or_feet))
    spoilt["Weight"][_some(rng, anyone, 0.08)] = -1
    spoilt["Gender"][_some(rng, anyone, 0.001)] = -1
    return spoilt


def _some(rng: np.random.Generator, candidates: np.ndarray, share: float) -> np.ndarray:
    """Return positions of a random share of the candidates, at least one if there are any."""
    positions = np.flatnonzero(candidates)
    number = min(len(positions), max(1, round(share * len(positions))))
    return np.sort(rng.choice(positions, number, replace=False))
