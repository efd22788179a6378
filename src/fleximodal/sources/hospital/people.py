"""A block of patients with their admissions and stays: latent truth, ids, times."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.hospital.latents import (
    Latents,
    draw_days,
    draw_presence,
    draw_shown,
)
from fleximodal.sources.hospital.model import EARLY_DAYS, MODALITIES, LatentModel

BLOCK_STAYS = 250
HOUR, DAY = 3_600, 86_400

# Ids of block b begin at the base + b * _STRIDE + 1.
_STRIDE = 6_000
MAX_STAYS = 200_000


@dataclass(frozen=True)
class IdBases:
    """Below the first id of each kind."""

    subject: int
    hadm: int
    stay: int
    cxr_study: int = 0
    ecg_study: int = 0


# Real ids of MIMIC-IV lie in 10 to 19 million (patients), 20 to 29 (admissions), 30 to 39 (stays),
# 50 to 59 (radiographs), 40 to 49 (ECGs); those of MIMIC-III below 300,000.
ID_BASES = {
    "mimic4": IdBases(90_000_000, 80_000_000, 70_000_000, 60_000_000, 65_000_000),
    "mimic3": IdBases(9_000_000, 8_000_000, 7_000_000),
}

_MOST_ADMISSIONS = 6
_ADMISSIONS = (0.52, 0.24, 0.12, 0.06, 0.04, 0.02)
_STAYS = (0.20, 0.73, 0.07)
# Correlation of the latent variables between successive admissions of a patient.
_PERSISTENCE = 0.6
_TOUCHING_SHARE = 0.3
_DIED_IN_UNIT_SHARE = 0.6
_NO_ROWS_SHARE = 0.004
_TRANSFER_SHARE = 0.12
_LEAST_GAP_DAYS = 25
_YEAR_RISK = {"constant": -2.2, "u": 1.2, "vitals": 0.7, "notes": 0.8}


@dataclass(frozen=True)
class People:
    """One block. Times are seconds since 1970; -1 stands for never.

    Patients (p,): subject, female, age (years at the first admission), first_year, group (of years,
    0 to 3), dod (days since 1970). Admissions (a,): patient (position), hadm, admit, discharge,
    death, died, u, w (a, 4), x (a, 4: shown outside the unit), phenotypes (a, 25), version (9 or
    10). Stays (s,): admission (position), stay, intime, outtime, transferred; and their `latents`.
    """

    number: int
    subject: np.ndarray
    female: np.ndarray
    age: np.ndarray
    first_year: np.ndarray
    group: np.ndarray
    dod: np.ndarray
    patient: np.ndarray
    hadm: np.ndarray
    admit: np.ndarray
    discharge: np.ndarray
    death: np.ndarray
    died: np.ndarray
    u: np.ndarray
    w: np.ndarray
    x: np.ndarray
    phenotypes: np.ndarray
    version: np.ndarray
    admission: np.ndarray
    stay: np.ndarray
    intime: np.ndarray
    outtime: np.ndarray
    transferred: np.ndarray
    latents: Latents


def draw_people(
    rng: np.random.Generator, model: LatentModel, ids: IdBases, number: int, stays: int
) -> People:
    """Draw patients until they have exactly `stays` stays (at most `BLOCK_STAYS`)."""
    place, states, per_admission = _draw_structure(rng, stays, surely=number == 0)
    u, w = states[:, 0], states[:, 1:]
    died = rng.random(len(u)) < model.risk(u, w)
    # Whoever has died does not come back: the chain goes on as another patient, which leaves the
    # law of every single admission as it is.
    new = (place == 0) | np.roll(died, 1)
    new[0] = True
    patient = np.cumsum(new) - 1
    count = int(patient[-1]) + 1
    admission = np.repeat(np.arange(len(u)), per_admission)
    phenotypes = model.phenotypes(u, w)
    days = draw_days(rng, model, u[admission])
    times = _draw_times(rng, patient, died, per_admission, admission, days, surely=number == 0)
    last = np.append(patient[1:] != patient[:-1], True)
    risk = _YEAR_RISK["constant"] + _YEAR_RISK["u"] * u
    risk += sum(_YEAR_RISK[name] * w[:, MODALITIES.index(name)] for name in ("vitals", "notes"))
    soon = last & ~died & (rng.random(len(u)) < 1 / (1 + np.exp(-risk)))
    later = times["discharge"] // DAY + rng.integers(1, 366, len(u))
    dod = np.full(count, -1)
    dod[patient[soon]] = later[soon]
    dod[patient[died]] = times["death"][died] // DAY
    group = rng.integers(0, 4, count)
    old_codes = rng.random(count) < np.array([1.0, 1.0, 0.5, 0.0])[group]
    stay_days = (times["outtime"] - times["intime"]) / DAY
    early, late = draw_presence(rng, model, u[admission], stay_days)
    has_rows = rng.random(stays) >= _NO_ROWS_SHARE
    if number == 0:
        has_rows[rng.integers(stays)] = False
    latents = Latents(
        u=u[admission],
        w=w[admission],
        x=draw_shown(rng, model, u[admission]),
        days=stay_days,
        early=early,
        late=late & (stay_days > EARLY_DAYS + 0.01)[:, None],
        first_day=np.zeros_like(early),
        died=died[admission],
        phenotypes=rng.random(phenotypes.shape)[admission] < phenotypes[admission],
        rows=has_rows,
    )
    of_admission = np.zeros(phenotypes.shape, dtype=bool)
    without = np.setdiff1d(np.arange(len(u)), admission)
    of_admission[admission] = latents.phenotypes
    of_admission[without] = rng.random((len(without), phenotypes.shape[1])) < phenotypes[without]
    return People(
        number=number,
        subject=_ids(rng, ids.subject, number, count),
        female=rng.random(count) < 0.44,
        age=np.clip(np.round(64 + 17 * rng.standard_normal(count)), 18, 97).astype(int),
        first_year=times["admit"][np.flatnonzero(new)]
        .astype("datetime64[s]")
        .astype("M8[Y]")
        .astype(int)
        + 1970,
        group=group,
        dod=dod,
        patient=patient,
        hadm=_ids(rng, ids.hadm, number, len(u)),
        admit=times["admit"],
        discharge=times["discharge"],
        death=times["death"],
        died=died,
        u=u,
        w=w,
        x=draw_shown(rng, model, u),
        phenotypes=of_admission,
        version=np.where(old_codes[patient], 9, 10),
        admission=admission,
        stay=_ids(rng, ids.stay, number, stays),
        intime=times["intime"],
        outtime=times["outtime"],
        transferred=rng.random(stays) < _TRANSFER_SHARE,
        latents=latents,
    )


def study_ids(base: int, number: int, count: int) -> np.ndarray:
    """Return `count` ids of block `number`, ascending."""
    if count >= _STRIDE:
        raise RuntimeError(f"a block has {count} ids of one kind, more than {_STRIDE - 1}")
    return base + number * _STRIDE + 1 + np.arange(count)


def _ids(rng: np.random.Generator, base: int, number: int, count: int) -> np.ndarray:
    """Return ids in random order, so that they say nothing of time or truth."""
    return rng.permutation(study_ids(base, number, count))


def _draw_structure(
    rng: np.random.Generator, stays: int, *, surely: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw chains of admissions: place in the chain, latent variables (a, 5), stays of each.

    `surely`: the first admission has two stays, which then touch.
    """
    chains = 2 * stays + 20
    while True:
        length = 1 + rng.choice(_MOST_ADMISSIONS, chains, p=_ADMISSIONS)
        per_admission = rng.choice(3, (chains, _MOST_ADMISSIONS), p=_STAYS)
        if surely:
            per_admission[0, 0] = 2
        noise = rng.standard_normal((chains, _MOST_ADMISSIONS, 1 + len(MODALITIES)))
        exists = np.arange(_MOST_ADMISSIONS) < length[:, None]
        if per_admission[exists].sum() >= stays:
            break
    states = noise.copy()
    for j in range(1, _MOST_ADMISSIONS):
        fresh = np.sqrt(1 - _PERSISTENCE**2) * noise[:, j]
        states[:, j] = _PERSISTENCE * states[:, j - 1] + fresh
    place = np.nonzero(exists)[1]
    counts = per_admission[exists]
    end = int(np.searchsorted(np.cumsum(counts), stays)) + 1
    counts = counts[:end]
    counts[-1] -= counts.sum() - stays
    return place[:end], states[exists][:end], counts


def _draw_times(
    rng: np.random.Generator,
    patient: np.ndarray,
    died: np.ndarray,
    per_admission: np.ndarray,
    admission: np.ndarray,
    days: np.ndarray,
    *,
    surely: bool,
) -> dict[str, np.ndarray]:
    count = len(patient)
    length = np.round(days * DAY).astype(np.int64)
    first_stay = np.cumsum(per_admission) - per_admission
    second = np.arange(len(admission)) != first_stay[admission]
    # Before each stay: from admission to the unit, or from one stay to the next.
    before = np.round((0.2 + rng.exponential(8, len(admission))) * HOUR).astype(np.int64)
    again = np.where(
        rng.random(len(admission)) < _TOUCHING_SHARE,
        0,
        np.round((1 + rng.exponential(36, len(admission))) * HOUR).astype(np.int64),
    )
    if surely:
        again[np.flatnonzero(second)[0]] = 0
    before = np.where(second, again, before)
    ran = np.cumsum(before + length)
    of_admission = ran - np.where(
        first_stay[admission] > 0, ran[np.maximum(first_stay[admission] - 1, 0)], 0
    )
    end_of_units = np.zeros(count, dtype=np.int64)
    np.maximum.at(end_of_units, admission, of_admission)
    in_unit = died & (per_admission > 0) & (rng.random(count) < _DIED_IN_UNIT_SHARE)
    after = np.round((1 + rng.exponential(72, count)) * HOUR / 60).astype(np.int64) * 60
    stayed = end_of_units + np.where(in_unit, 0, after)
    gap = np.round((_LEAST_GAP_DAYS + rng.exponential(250, count)) * 1440).astype(np.int64) * 60
    first = np.append(True, patient[1:] != patient[:-1])
    # Decades apart in 2110 to 2180, as de-identification shifts every patient's times.
    start = (rng.integers(140 * 365, 210 * 365, count) * 1440 + rng.integers(0, 1440, count)) * 60
    # Minutes for admissions; discharges take over the seconds of a stay that ends in death.
    stayed = np.where(in_unit, stayed, stayed // 60 * 60)
    step = np.where(first, 0, np.roll((stayed // 60 + 1) * 60, 1) + gap)
    total = np.cumsum(step)
    begins = np.flatnonzero(first)[np.cumsum(first) - 1]
    admit = start[begins] + total - total[begins]
    discharge = admit + stayed
    outtime = admit[admission] + of_admission
    return {
        "admit": admit,
        "discharge": discharge,
        "death": np.where(died, discharge, -1),
        "intime": outtime - length,
        "outtime": outtime,
    }
