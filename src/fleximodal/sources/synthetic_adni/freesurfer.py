"""The FreeSurfer table UCSFFSX7."""

from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.sources.synthetic_adni.columns import QUALITY, REGION_COLUMNS, UCSFFSX7
from fleximodal.sources.synthetic_adni.evidence import Measured
from fleximodal.sources.synthetic_adni.forms import (
    blank,
    days,
    identifiers,
    stamps,
    words,
    write_table,
)
from fleximodal.sources.synthetic_adni.panel import Panel
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.scans import Scans

NAME = "image/UCSFFSX7_01Jan2026.csv"
# Loadings of the standard value; below zero where the region shrinks with atrophy.
ATROPHY = {
    **{"ST29SV": -0.85, "ST88SV": -0.85},  # hippocampi
    **{"ST12SV": -0.6, "ST71SV": -0.6},  # amygdalae
    **{"ST24CV": -0.7, "ST83CV": -0.7, "ST24TA": -0.75, "ST83TA": -0.75},  # entorhinal cortices
}
VENTRICLES = {
    **{"ST37SV": 0.9, "ST96SV": 0.9, "ST30SV": 0.75, "ST89SV": 0.75},  # lateral, inferior lateral
    **{"ST127SV": 0.7, "ST21SV": 0.6, "ST80SV": 0.6},  # third ventricle, choroid plexuses
}
_COMMON = 0.5
_RETEST = 0.2
_MODEL_SEED = 20_250_609
_BASES = {"CV": (2_000, 12_000), "SA": (600, 4_000), "SV": (400, 8_000), "TA": (2.0, 3.2)}
_DECIMALS = {"CV": 0, "SA": 0, "SV": 1, "TA": 3, "TS": 3}
_SPREAD = 0.1
_EMPTY, _EMPTY_IF_FAILED = 0.004, 0.3
_VERSIONS = ("7.1.1", "7.3.2")


def _suffix(name: str) -> str:
    return name[-2:].upper()


def panel() -> Panel:
    """Return the region columns: base values drawn once for all releases."""
    rng = np.random.default_rng(_MODEL_SEED)
    ranges = [_BASES.get(_suffix(name), (0.4, 0.8)) for name in REGION_COLUMNS]
    base = np.array([rng.uniform(low, high) for low, high in ranges])
    loading = np.array([ATROPHY.get(n, VENTRICLES.get(n, 0.0)) for n in REGION_COLUMNS])
    factor = np.array([0 if n in ATROPHY else 1 if n in VENTRICLES else -1 for n in REGION_COLUMNS])
    return Panel(
        base=base,
        scale=_SPREAD * base * np.where(loading < 0, -1, 1),
        loading=np.abs(loading),
        factor=factor,
        retest=_RETEST,
    )


def write_freesurfer(
    folder: Path, rng: np.random.Generator, people: People, scans: Scans, factors: np.ndarray
) -> tuple[dict[str, int], Measured]:
    """Write UCSFFSX7; return rows by file and what it shows of atrophy and ventricles.

    Parameters
    ----------
    folder, rng
        Where to; source of chance.
    people, scans
        Persons and their scans; a failed one has 30 % of its regions empty.
    factors
        (n, 2) atrophy and ventricles.
    """
    visits, count = scans.visits, len(scans.failed)
    columns = panel()
    standard = columns.rows(rng, columns.subjects(rng, factors, _COMMON), visits.person)
    values = columns.base + columns.scale * standard.astype(np.float64)
    share = np.where(scans.failed, _EMPTY_IF_FAILED, _EMPTY)[:, None]
    gone = rng.random(values.shape) < share
    filled = identifiers(people, visits)
    filled["EXAMDATE"] = filled["VISDATE"]
    filled["IMAGEUID"] = pl.Series(scans.image)
    filled["FIELD_STRENGTH"] = words(["1.5T", "3T"], (visits.phase > 0).astype(int))
    run = visits.day + rng.integers(60, 400, count)
    filled["RUNDATE"] = days(run)
    filled["STATUS"] = words(["complete", "partial"], scans.failed.astype(int))
    filled["FSVER"] = words(_VERSIONS, rng.integers(0, 2, count))
    good = np.where(scans.failed, rng.integers(1, 4, count), 0)
    filled["OVERALLQC"] = words(["Pass", "Partial", "Hippocampus Only", "Fail"], good)
    for name in QUALITY:
        poor = rng.random(count) < np.where(scans.failed, 0.4, 0.02)
        filled[name] = words(["Pass", "Fail"], poor.astype(int))
    for position, name in enumerate(REGION_COLUMNS):
        values[:, position] = np.round(values[:, position], _DECIMALS[_suffix(name)])
        filled[name] = blank(pl.Series(values[:, position]), gone[:, position])
    filled["update_stamp"] = stamps(rng, visits.person, run)
    table = {name: filled[name] for name in UCSFFSX7}
    rows = write_table(folder / NAME, UCSFFSX7, table, rng)
    shown = np.where(gone, np.nan, (values - columns.base) / columns.scale)
    return {NAME: rows}, columns.measure(shown, visits.person, len(people.rid))
