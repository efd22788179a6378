"""Which release of MIMIC-III a folder holds, told by the number of its ICU stays."""

from pathlib import Path

import polars as pl
from polars.datatypes import DataTypeClass

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic.tables import find_table

Columns = dict[str, pl.DataType | DataTypeClass]
"""Names and types of columns to read."""

# Rows as published by PhysioNet with each release.
PUBLISHED_ROWS: dict[str, dict[str, int]] = {
    "MIMIC-III 1.4": {
        "ADMISSIONS": 58_976,
        "CHARTEVENTS": 330_712_483,
        "DIAGNOSES_ICD": 651_047,
        "ICUSTAYS": 61_532,
        "LABEVENTS": 27_854_055,
        "NOTEEVENTS": 2_083_180,
        "PATIENTS": 46_520,
    },
    "MIMIC-III demo 1.4": {
        "ADMISSIONS": 129,
        "CHARTEVENTS": 758_355,
        "DIAGNOSES_ICD": 1_761,
        "ICUSTAYS": 136,
        "LABEVENTS": 76_074,
        "PATIENTS": 100,
    },
}


def detect_release(source: str, icu_stays: int) -> str:
    """Return the name of the release with that many rows in ICUSTAYS, or what it is instead.

    A `source` whose name starts with "synthetic" is *generated*; other data of no known size are
    of an *unknown* release.
    """
    if source.startswith("synthetic"):
        return "generated"
    for release, rows in PUBLISHED_ROWS.items():
        if rows["ICUSTAYS"] == icu_stays:
            return release
    return "unknown"


def required_table(folder: Path, name: str) -> Path:
    """Return the path of a table; raise a FleximodalError if `folder` does not have it."""
    path = find_table(folder, name)
    if path is None:
        raise FleximodalError(
            f"{folder} has no {name}.csv.gz and no {name}.csv; give the folder of MIMIC-III that "
            "holds the table."
        )
    return path
