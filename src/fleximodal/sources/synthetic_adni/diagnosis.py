"""The diagnoses: DXSUM_PDXCONV."""

from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.sources.synthetic_adni.columns import COLUMNS
from fleximodal.sources.synthetic_adni.forms import (
    NOT_APPLICABLE,
    administration,
    blank,
    days,
    identifiers,
    write_table,
)
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.visits import Visits

NAME = "diagnosis/DXSUM_PDXCONV_01Jan2026.csv"


def write_diagnoses(
    folder: Path, rng: np.random.Generator, people: People, visits: Visits
) -> dict[str, int]:
    """Write one row per visit of everybody but the `no_diagnosis`; return rows by file.

    Converters go from a milder to their last class, reverters the other way round; each
    `empty_diagnosis` has one row without a value, alone or among others.
    """
    visits = visits.of(people.kind[visits.person] != "no_diagnosis")
    kind, classes = people.kind[visits.person], people.classes[visits.person]
    diagnosis = classes + 1
    milder = np.array([0, 0, 1])[classes] + 1
    worse = np.array([1, 2, 2])[classes] + 1
    diagnosis = np.where((kind == "converter") & visits.first, milder, diagnosis)
    diagnosis = np.where((kind == "reverter") & visits.first, worse, diagnosis)
    filled = identifiers(people, visits)
    filled["EXAMDATE"] = filled.pop("VISDATE")
    filled["DIAGNOSIS"] = blank(pl.Series(diagnosis), (kind == "empty_diagnosis") & visits.first)
    in_first = visits.phase == 0
    for name, value in (("DXNORM", 1), ("DXMCI", 2), ("DXAD", 3)):
        code = np.where(diagnosis == value, 1, NOT_APPLICABLE)
        filled[name] = blank(pl.Series(code), ~in_first)
    filled["DXCONFID"] = pl.Series(rng.integers(1, 5, len(diagnosis)))
    filled["DXPARK"] = pl.Series(np.where(rng.random(len(diagnosis)) < 0.02, 1, NOT_APPLICABLE))
    filled |= administration(rng, people, visits)
    filled["USERDATE"] = days(visits.day + 1)
    rows = write_table(folder / NAME, COLUMNS["DXSUM_PDXCONV"], filled, rng, quote_style="always")
    return {NAME: rows}
