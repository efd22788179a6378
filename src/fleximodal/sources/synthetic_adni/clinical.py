"""The clinical tables but for demography and medication: MEDHIST, NEUROEXM, VITALS."""

from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.sources.synthetic_adni.columns import COLUMNS
from fleximodal.sources.synthetic_adni.forms import (
    NOT_APPLICABLE,
    administration,
    blank,
    codes,
    gaps,
    identifiers,
    words,
    write_table,
)
from fleximodal.sources.synthetic_adni.latents import Latents
from fleximodal.sources.synthetic_adni.model import FLAGS
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.visits import Visits

MEDHIST = "clinical/MEDHIST_01Jan2026.csv"
NEUROEXM = "clinical/NEUROEXM_01Jan2026.csv"
VITALS = "clinical/VITALS_01Jan2026.csv"
_LAST_PHASE_OF_MEDHIST = 2
_AGAIN = {NEUROEXM: 0.3, VITALS: 0.85}
_ABSENT = {MEDHIST: 0.03, NEUROEXM: 0.04}
_HABITS = {
    "MH14ALCH": {"MH14AALCH": 8, "MH14BALCH": 40, "MH14CALCH": 30},
    "MH15DRUG": {"MH15ADRUG": 5, "MH15BDRUG": 20},
    "MH16SMOK": {"MH16ASMOK": 3, "MH16BSMOK": 40, "MH16CSMOK": 40},
}
_REMARKS = ("hernia repair, 1987", 'fell on ice ("slipped")', "cataract; both eyes", "none")


def write_histories_and_examinations(
    folder: Path, rng: np.random.Generator, people: People, visits: Visits, latents: Latents
) -> tuple[dict[str, int], np.ndarray]:
    """Write MEDHIST and NEUROEXM; return rows by file and the planted flags as written.

    Returns
    -------
    tuple
        Rows by file; (n, flags) 1 or 0, -1 where never answered.
    """
    seen = np.full(latents.flags.shape, -1, dtype=np.int8)
    rows = {
        MEDHIST: _write_histories(folder, rng, people, visits, latents, seen),
        NEUROEXM: _write_examinations(folder, rng, people, visits, latents, seen),
    }
    return rows, seen


def _planted(
    name: str,
    rng: np.random.Generator,
    visits: Visits,
    latents: Latents,
    seen: np.ndarray,
    lowest: int,
) -> pl.Series:
    """Return a planted flag, coded `lowest` or `lowest` + 1, with gaps, and note who shows it."""
    column = list(FLAGS).index(name)
    answer = latents.flags[visits.person, column].astype(int)
    written, known = gaps(rng, lowest + answer)
    seen[visits.person[known], column] = answer[known]
    return written


def _write_histories(
    folder: Path,
    rng: np.random.Generator,
    people: People,
    visits: Visits,
    latents: Latents,
    seen: np.ndarray,
) -> int:
    asked = rng.random(len(people.rid)) >= _ABSENT[MEDHIST]
    in_phase = visits.phase <= _LAST_PHASE_OF_MEDHIST
    visits = visits.of(visits.first & in_phase & asked[visits.person])
    count = len(visits.day)
    filled = identifiers(people, visits)
    filled["MHSOURCE"] = codes(rng, (1, 2), count)
    dependent = [name for names in _HABITS.values() for name in names]
    for name in COLUMNS["MEDHIST"]:
        if name in FLAGS:
            filled[name] = _planted(name, rng, visits, latents, seen, 0)
        elif name.startswith("MH") and name not in ("MHSOURCE", "MHCOMMEN", *dependent):
            filled[name] = gaps(rng, (rng.random(count) < 0.3).astype(int))[0]
    for name, amounts in _HABITS.items():
        yes = filled[name].fill_null(0).to_numpy() == 1
        for amount, most in amounts.items():
            number = np.where(yes, rng.integers(0, most + 1, count), NOT_APPLICABLE)
            filled[amount] = blank(pl.Series(number), rng.random(count) < 0.1)
    remark = rng.integers(0, len(_REMARKS), count)
    filled["MHCOMMEN"] = blank(words(_REMARKS, remark), rng.random(count) < 0.7)
    filled |= administration(rng, people, visits)
    chosen = {name: filled[name] for name in COLUMNS["MEDHIST"]}
    return write_table(folder / MEDHIST, COLUMNS["MEDHIST"], chosen, rng)


def _write_examinations(
    folder: Path,
    rng: np.random.Generator,
    people: People,
    visits: Visits,
    latents: Latents,
    seen: np.ndarray,
) -> int:
    asked = rng.random(len(people.rid)) >= _ABSENT[NEUROEXM]
    again = rng.random(len(visits.day)) < _AGAIN[NEUROEXM]
    visits = visits.of((visits.first | again) & asked[visits.person])
    count = len(visits.day)
    filled = identifiers(people, visits)
    for name in COLUMNS["NEUROEXM"]:
        if name in FLAGS:
            filled[name] = _planted(name, rng, visits, latents, seen, 1)
        elif name == "NXABNORM":
            filled[name] = pl.Series(np.ones(count, dtype=int))
        elif name.startswith("NX"):
            filled[name] = gaps(rng, 1 + (rng.random(count) < 0.06))[0]
    filled |= administration(rng, people, visits)
    return write_table(folder / NEUROEXM, COLUMNS["NEUROEXM"], filled, rng)


def write_vitals(
    folder: Path, rng: np.random.Generator, people: People, visits: Visits
) -> dict[str, int]:
    """Write VITALS, at least one row for everybody, in mixed units; it tells nothing of the class.

    Returns
    -------
    dict
        Rows by file.
    """
    again = rng.random(len(visits.day)) < _AGAIN[VITALS]
    visits = visits.of(visits.first | again)
    person, count = visits.person, len(visits.day)
    female = people.female
    kilograms = np.where(female, 66, 82) + 12 * rng.standard_normal(len(female))
    centimetres = np.where(female, 162, 175) + 7 * rng.standard_normal(len(female))
    metric, celsius = rng.random(count) < 0.25, rng.random(count) < 0.3
    weight = (kilograms[person] + rng.normal(0, 1.5, count)) * np.where(metric, 1, 2.2046)
    height = centimetres[person] / np.where(metric, 1, 2.54)
    degrees = 36.6 + 0.3 * rng.standard_normal(count)
    filled = identifiers(people, visits)
    filled["VSWEIGHT"] = gaps(rng, weight.clip(40).round(1))[0]
    filled["VSWTUNIT"] = pl.Series(np.where(metric, 2, 1))
    filled["VSHEIGHT"] = gaps(rng, np.where(visits.first, height.round(1), NOT_APPLICABLE))[0]
    filled["VSHTUNIT"] = gaps(rng, np.where(metric, 2, 1))[0]
    for name, mean, deviation, low, top in (
        ("VSBPSYS", 135, 16, 76, 250),
        ("VSBPDIA", 75, 9, 36, 130),
        ("VSPULSE", 66, 10, 40, 130),
        ("VSRESP", 16, 2, 6, 40),
    ):
        value = np.rint(mean + deviation * rng.standard_normal(count)).clip(low, top)
        filled[name] = gaps(rng, value.astype(int))[0]
    filled["VSTEMP"] = gaps(rng, np.where(celsius, degrees, degrees * 1.8 + 32).round(1))[0]
    filled["VSTMPSRC"] = codes(rng, (1, 2, 3), count)
    filled["VSTMPUNT"] = pl.Series(np.where(celsius, 2, 1))
    filled["VSHGTSC"] = pl.Series(np.where(visits.first, 0, NOT_APPLICABLE))
    filled |= administration(rng, people, visits)
    return {VITALS: write_table(folder / VITALS, COLUMNS["VITALS"], filled, rng)}
