"""Demography: PTDEMOG, with the columns that leak the label."""

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
from fleximodal.sources.synthetic_adni.model import NUMBERS
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.visits import Visits

PTDEMOG = "clinical/PTDEMOG_01Jan2026.csv"
_ABSENT = 0.02
_GAPS = 0.04
_NO_YEAR = 9999
_WORK = ("teacher", "engineer", "nurse, retired", "farmer", "sales", "driver", "accountant")
_LANGUAGES = ("Spanish", "French", "German", "Mandarin")
# Answered from the fourth phase on (position 4), with random codes.
_LATE = {
    "PTIDENT": (1, 2, 3),
    "PTORIENT": (1, 2, 3, 4),
    "PTENGSPK": (1, 0),
    "PTNLANG": (1, 2, 3),
    "PTENGSPKAGE": (0, 5, 12, 20),
    "PTCLANG": (1, 2, 3),
    "PTLANGSP": (1, 2, 3),
    "PTLANGWR": (1, 2, 3),
    "PTSPTIM": (100, 90, 50),
    "PTSPOTTIM": (0, 10, 50),
    "PTLANGTTL": (1, 2, 3),
    "PTETHCATH": (NOT_APPLICABLE, 1, 2),
    "PTASIAN": (NOT_APPLICABLE, 1, 2),
    "PTOPI": (NOT_APPLICABLE, 1, 2),
    "PTBORN": (1, 0, 2),
    "PTBIRPL": (1, 2, 3, 8),
    "PTIMMAGE": (NOT_APPLICABLE, 12, 25),
    "PTIMMWHY": (NOT_APPLICABLE, 1, 2),
    "PTBIRPR": (1, 0, 2),
    "PTBIRGR": (1, 0, 2),
}


def write_demography(
    folder: Path, rng: np.random.Generator, people: People, visits: Visits, latents: Latents
) -> tuple[dict[str, int], np.ndarray]:
    """Write PTDEMOG: one row per person and phase, of a few persons none.

    Returns
    -------
    tuple
        Rows by file; (n, numbers) the planted numbers as written, NaN where never given.
    """
    asked = rng.random(len(people.rid)) >= _ABSENT
    same = visits.person[1:] == visits.person[:-1]
    new = np.append(False, same & (visits.phase[1:] > visits.phase[:-1]))
    visits = visits.of((visits.first | new) & asked[visits.person])
    person, late, count = visits.person, visits.phase == 4, len(visits.day)
    filled = identifiers(people, visits)
    numbers = np.full(latents.numbers.shape, np.nan)
    for column, name in enumerate(NUMBERS):
        value = latents.numbers[person, column].astype(int)
        # The year of birth is always given, as the text of the date of birth repeats it.
        share = 0.0 if name == "PTDOBYY" else _GAPS
        filled[name], known = gaps(rng, value, empty=share, coded=share)
        numbers[person[known], column] = value[known]
    year = latents.numbers[:, list(NUMBERS).index("PTDOBYY")].astype(int)
    # Half-years only: every distinct text becomes a column of the reader.
    month = rng.choice([1, 7], len(year))
    filled["PTDOB"] = pl.Series([f"{month[p]:02d}/{year[p]}" for p in person], dtype=pl.String)
    filled["PTGENDER"] = pl.Series(np.where(people.female, 2, 1)[person])
    for name, choices in (
        ("PTSOURCE", (1, 2)),
        ("PTHAND", (1, 2)),
        ("PTMARRY", (1, 2, 3, 4, 5)),
        ("PTWORKHS", (0, 1)),
        ("PTNOTRT", (1, 0, 2)),
        ("PTHOME", (1, 2, 3, 4, 5, 6, 7, 8)),
        ("PTTLANG", (1, 2)),
        ("PTPLANG", (1, 2, 3)),
        ("PTETHCAT", (2, 1, 3)),
    ):
        of_person = codes(rng, choices, len(year)).to_numpy()
        filled[name] = gaps(rng, of_person[person])[0]
    filled["PTTLANG"] = pl.Series(np.ones(count, dtype=int))
    filled |= _texts(rng, count, late)
    filled |= _leaking(rng, people.classes, visits)
    for name, late_choices in _LATE.items():
        filled[name] = blank(codes(rng, late_choices, count), ~late | (rng.random(count) < 0.1))
    for number in (1, 2):
        spoken = late & (rng.random(count) < 0.3)
        language = words(_LANGUAGES, rng.integers(0, len(_LANGUAGES), count))
        filled[f"PTLANGPR{number}"] = blank(language, ~spoken)
        for part in ("SP", "RD", "WR", "UN"):
            level = pl.Series(rng.integers(1, 8, count))
            filled[f"PTLANG{part}{number}"] = blank(level, ~spoken)
    filled |= administration(rng, people, visits)
    path = folder / PTDEMOG
    rows = write_table(path, COLUMNS["PTDEMOG"], filled, rng, quote_style="always")
    return {PTDEMOG: rows}, numbers


def _texts(rng: np.random.Generator, count: int, late: np.ndarray) -> dict[str, pl.Series]:
    """Return the columns that mix text, numbers and several codes in one cell."""
    races = words(["5", "4", "2", "1", "7"], np.minimum(rng.geometric(0.6, count) - 1, 4))
    several = late & (rng.random(count) < 0.1)
    job = words(_WORK, rng.integers(0, len(_WORK), count))
    job_class = pl.Series(rng.integers(1, 10, count)).cast(pl.String)
    retired = pl.Series(rng.integers(1985, 2020, count)).set(
        pl.Series(rng.random(count) < 0.2), _NO_YEAR
    )
    return {
        "PTRACCAT": races + words(["", "|1"], several.astype(int)),
        "PTWORK": blank(job_class.zip_with(pl.Series(late), job), rng.random(count) < 0.05),
        "PTRTYR": blank(retired, rng.random(count) < 0.05),
    }


def _leaking(rng: np.random.Generator, classes: np.ndarray, visits: Visits) -> dict[str, pl.Series]:
    """Return the years of onset and diagnosis, 9999 for the unimpaired; filled by phase."""
    affected = classes[visits.person] > 0
    year = visits.day // 365.2425 + 1970 - rng.integers(1, 8, len(affected))
    onset = np.where(affected, year, _NO_YEAR).astype(int)
    diagnosed = np.where(classes[visits.person] == 2, onset + 1, _NO_YEAR)
    early = visits.phase <= 1
    return {
        "PTADBEG": blank(pl.Series(np.where(classes[visits.person] == 2, onset, _NO_YEAR)), ~early),
        "PTCOGBEG": blank(pl.Series(onset), early),
        "PTADDX": blank(pl.Series(diagnosed), early),
    }
