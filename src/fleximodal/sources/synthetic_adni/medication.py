"""Concurrent medication: RECCMEDS, several rows per visit, free text with many distinct values."""

from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.sources.synthetic_adni.columns import COLUMNS
from fleximodal.sources.synthetic_adni.forms import (
    administration,
    blank,
    gaps,
    identifiers,
    words,
    write_table,
)
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.visits import Visits

RECCMEDS = "clinical/RECCMEDS_01Jan2026.csv"
_MEAN_PER_VISIT = 1.6
_DRUGS = [
    "".join(parts)
    for parts in product(
        ("Ala", "Beno", "Cora", "Dexi", "Elo", "Fen", "Gali", "Hexo", "Iri", "Keto", "Lumi"),
        ("ba", "ce", "do", "li", "mo", "ra", "ti", "vu", "xa", "zo"),
        ("pril", "lol", "statin", "mab", "zepam", "formin", "oxetine", "sartan", "dipine"),
        ("", " 10 mg", ", extended release", ' "forte"'),
    )
]
_FREQUENCIES, _ROUTES = ("QD", "BID", "once a day", "as needed"), ("PO", "oral", "topical")
_REASONS = ("high blood pressure", "pain, joints", "supplement", "sleep")


def write_medication(
    folder: Path, rng: np.random.Generator, people: People, visits: Visits
) -> dict[str, int]:
    """Write RECCMEDS, which tells nothing of the class; return rows by file.

    Units, frequency, route and reason are words in the first phase and codes from the third on.
    """
    each = rng.poisson(_MEAN_PER_VISIT, len(visits.day))
    visits = visits.of(np.repeat(np.arange(len(each)), each))
    count = len(visits.day)
    # Some drugs are common, most are rare: a squared uniform draw from a random order.
    position = (len(_DRUGS) * rng.random(count) ** 2).astype(int)
    drug = rng.permutation(len(_DRUGS))[position]
    coded = visits.phase >= 2
    filled = identifiers(people, visits)
    filled["RECNO"] = pl.Series(np.arange(count) - np.repeat(each.cumsum() - each, each) + 1)
    filled["CMMED"] = blank(words(_DRUGS, drug), rng.random(count) < 0.02)
    filled["CMMEDID"] = blank(pl.Series(10_000 + drug), ~coded)
    for name, texts, most in (
        ("CMUNITS", ("mg", "mL"), 13),
        ("CMFREQNC", _FREQUENCIES, 13),
        ("CMROUTE", _ROUTES, 11),
        ("CMREASON", _REASONS, 3),
    ):
        code = pl.Series(rng.integers(1, most + 1, count)).cast(pl.String)
        text = words(texts, rng.integers(0, len(texts), count))
        filled[name] = blank(code.zip_with(pl.Series(coded), text), rng.random(count) < 0.05)
    for name in ("CMUNITSID", "CMFREQID", "CMROUTEID"):
        filled[name] = blank(pl.Series(rng.integers(1, 12, count)), ~coded)
    filled["CMEVNUM"] = gaps(rng, rng.integers(0, 3, count), empty=0.6)[0]
    began = 1970 + visits.day // 365 - rng.integers(0, 15, count)
    # Half-years only: every distinct text becomes a column of the reader.
    month = rng.choice([1, 7], count)
    filled["CMBGN"] = pl.Series(
        [f"{m:02d}/{y}" for m, y in zip(month, began, strict=True)], dtype=pl.String
    )
    filled["CMBGNYR_DRVD"] = pl.Series(began)
    stopped = rng.random(count) < 0.2
    filled["CMCONT"] = pl.Series((~stopped).astype(int))
    filled["CMENDYR_DRVD"] = blank(pl.Series(began + 1), ~stopped)
    filled["CMEND"] = blank(filled["CMBGN"], ~stopped)
    filled |= administration(rng, people, visits)
    return {RECCMEDS: write_table(folder / RECCMEDS, COLUMNS["RECCMEDS"], filled, rng)}
