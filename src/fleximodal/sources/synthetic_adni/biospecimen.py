"""APOE genotypes and the Elecsys assays of cerebrospinal fluid."""

from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.sources.synthetic_adni.columns import APOERES_GENOTYPE, COLUMNS
from fleximodal.sources.synthetic_adni.evidence import Measured
from fleximodal.sources.synthetic_adni.forms import (
    administration,
    blank,
    codes,
    days,
    gaps,
    identifiers,
    stamps,
    words,
    write_table,
)
from fleximodal.sources.synthetic_adni.latents import Latents
from fleximodal.sources.synthetic_adni.model import LETTERS, genotypes
from fleximodal.sources.synthetic_adni.panel import Panel
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.settings import ApoeLayout
from fleximodal.sources.synthetic_adni.visits import Visits

APOERES = "biospecimen/APOERES_01Jan2026.csv"
ELECSYS = "biospecimen/UPENNBIOMK_ROCHE_ELECSYS_01Jan2026.csv"
_ANALYTES = ("ABETA40", "ABETA42", "TAU", "PTAU")
# Logarithms of pg/mL; amyloid shows in ABETA42 alone, tau in two analytes, ABETA40 says nothing.
PANEL = Panel(
    base=np.log([9000.0, 1100.0, 250.0, 24.0]),
    scale=np.array([0.25, -0.35, 0.35, 0.4]),
    loading=np.array([0.0, 0.94, 0.85, 0.85]),
    factor=np.array([-1, 0, 1, 1]),
    retest=0.15,
)
_DECIMALS = np.array([0, 1, 1, 2])
_BATCHES = ("UPENNBIOMK9", "UPENNBIOMK11", "UPENNBIOMK12", "UPENNBIOMK13")
_LIMITS = {"ABETA42": 1700.0, "TAU": 80.0, "PTAU": 8.0}
_WITH_ELECSYS = 0.92
_VISITS_WITH_SAMPLE = 0.45
# Rows of persons of whom no other table knows anything.
_FOREIGN_SHARE = 0.01


def write_biospecimen(
    folder: Path,
    rng: np.random.Generator,
    people: People,
    visits: Visits,
    latents: Latents,
    layout: ApoeLayout,
) -> tuple[dict[str, int], Measured]:
    """Write both tables; return rows by file and what the assays show of amyloid and tau."""
    has = people.has[:, LETTERS.index("B")]
    rows = {APOERES: _write_apoe(folder / APOERES, rng, people, visits, latents, layout, has)}
    counted, measured = _write_elecsys(folder / ELECSYS, rng, people, visits, latents, has)
    return rows | {ELECSYS: counted}, measured


def _write_apoe(
    path: Path,
    rng: np.random.Generator,
    people: People,
    visits: Visits,
    latents: Latents,
    layout: ApoeLayout,
    has: np.ndarray,
) -> int:
    """Write one row per person, of a few persons two that agree."""
    first = np.flatnonzero(visits.first & has[visits.person])
    again = first[rng.random(len(first)) < 0.03]
    visits = visits.of(np.concatenate([first, again]))
    count = len(visits.day)
    filled = identifiers(people, visits)
    filled["Phase"] = filled.pop("PHASE")
    filled["VISCODE"] = words(["sc", "f"], (visits.viscode == "f").astype(int))
    pair = genotypes()[latents.apoe[visits.person]]
    if layout == "alleles":
        filled |= {f"APGEN{number + 1}": pl.Series(pair[:, number]) for number in (0, 1)}
    else:
        filled["GENOTYPE"] = pl.Series([f"{low}/{high}" for low, high in pair])
    filled["APTESTDT"] = days(visits.day + rng.integers(5, 60, count))
    filled["APVOLUME"] = pl.Series(rng.integers(1, 11, count))
    for name in ("APRECEIVE", "APAMBTEMP", "APRESAMP", "APUSABLE"):
        filled[name] = codes(rng, (0, 1) if name == "APRESAMP" else (1, 0), count)
    filled |= administration(rng, people, visits)
    filled["USERDATE2"] = pl.Series([None] * count, dtype=pl.Date)
    columns = COLUMNS["APOERES"] if layout == "alleles" else APOERES_GENOTYPE
    chosen = {name: column for name, column in filled.items() if name in columns}
    return write_table(path, columns, chosen, rng)


def _write_elecsys(
    path: Path,
    rng: np.random.Generator,
    people: People,
    visits: Visits,
    latents: Latents,
    has: np.ndarray,
) -> tuple[int, Measured]:
    """Write the samples of most persons; the phase of a later one may differ from APOERES."""
    sampled = has & (rng.random(len(has)) < _WITH_ELECSYS)
    drawn = rng.random(len(visits.day)) < _VISITS_WITH_SAMPLE
    any_drawn = np.bincount(visits.person, drawn, minlength=len(has)) > 0
    chosen = drawn | (visits.first & ~any_drawn[visits.person])
    visits = visits.of(chosen & sampled[visits.person])
    standard = PANEL.rows(rng, PANEL.subjects(rng, latents.factors[:, :2]), visits.person)
    batch = rng.integers(0, len(_BATCHES), len(visits.day))
    values = np.exp(PANEL.base + PANEL.scale * standard)
    values = np.round(values * 10.0**_DECIMALS) / 10.0**_DECIMALS
    filled = identifiers(people, visits)
    filled["EXAMDATE"] = filled["VISDATE"]
    filled["BATCH"] = words(_BATCHES, batch)
    filled["RUNDATE"] = days(np.array([17_200, 17_900, 18_600, 19_300])[batch])
    seen = np.empty(values.shape, dtype=bool)
    for column, name in enumerate(_ANALYTES):
        numbers, seen[:, column] = gaps(rng, values[:, column], empty=0.02, coded=0.0)
        if name == "ABETA40":
            seen[:, column] &= batch > 0
            numbers = blank(numbers, batch == 0)
        filled[name] = numbers
    filled["COMMENT"] = _comments(values)
    filled["update_stamp"] = stamps(rng, visits.person, np.full(len(batch), 19_400))
    logs = np.where(seen, np.log(values), np.nan)
    measured = PANEL.measure((logs - PANEL.base) / PANEL.scale, visits.person, len(has))
    columns = COLUMNS["UPENNBIOMK_ROCHE_ELECSYS"]
    frame = pl.DataFrame({name: filled[name] for name in columns})
    copied = rng.choice(frame.height, max(2, round(_FOREIGN_SHARE * frame.height)), replace=False)
    foreign = frame[copied]
    unknown = int(people.rid.max()) + 1 + np.arange(foreign.height)
    joined = pl.concat([frame, foreign.with_columns(RID=pl.Series(unknown))])
    return write_table(path, columns, joined.to_dict(as_series=True), rng), measured


def _comments(values: np.ndarray) -> pl.Series:
    """Return the remarks on values beyond the limits of the assays, null where there are none."""
    above = values[:, 1] > _LIMITS["ABETA42"]
    low_tau, low_ptau = values[:, 2] < _LIMITS["TAU"], values[:, 3] < _LIMITS["PTAU"]
    texts = [
        "; ".join(
            text
            for text, applies in (("ABETA42 >1700", a), ("TAU <80", t), ("PTAU <8", p))
            if applies
        )
        for a, t, p in zip(above, low_tau, low_ptau, strict=True)
    ]
    return pl.Series([text or None for text in texts], dtype=pl.String)
