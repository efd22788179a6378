"""Small hospitals made by hand, as canonical tables."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

ADMITTED = datetime(2150, 3, 1, 12)
VITALS = ["Heart rate", "Sodium"]
ENTRIES: dict[str, dict[str, Any]] = {
    "vitals": {
        "name": "vitals",
        "kind": "series",
        "table": "events.parquet",
        "channels": VITALS,
    },
    "notes": {"name": "notes", "kind": "vectors", "table": "notes.parquet", "encoded": "notes"},
    "cxr": {"name": "cxr", "kind": "vectors", "table": "images.parquet", "encoded": "cxr"},
    "ecg": {"name": "ecg", "kind": "vectors", "table": "ecgs.parquet", "encoded": "ecg"},
}
ADMISSION_ENTRIES = [
    {
        "name": "labs",
        "kind": "items",
        "table": "admission_labs.parquet",
        "features": ["Sodium_last", "Sodium_mean"],
    },
    {
        "name": "notes",
        "kind": "vectors",
        "table": "discharge_notes.parquet",
        "encoded": "discharge",
    },
    {"name": "codes", "kind": "vectors", "table": "diagnoses.parquet", "encoded": "codes"},
]


def stay(
    number: int,
    patient: int,
    admission: int,
    hours: float | None,
    *,
    died: int = 0,
    age: float = 60.0,
    transferred: bool = False,
) -> dict[str, Any]:
    """Return a row of stays.parquet; `hours` is the length of the stay."""
    return {
        "stay_id": number,
        "patient_id": patient,
        "admission_id": admission,
        "intime": ADMITTED,
        "outtime": None if hours is None else ADMITTED + timedelta(hours=hours),
        "los_days": None if hours is None else hours / 24,
        "in_hospital_death": died,
        "age": age,
        "transferred": transferred,
    }


def write_stays(
    folder: Path,
    stays: Sequence[dict[str, Any]],
    *,
    events: Sequence[tuple[int, float, str, float]],
    items: dict[str, Sequence[tuple[int, float]]] | None = None,
    diagnoses: Sequence[tuple[int, str, int]] = (),
    release: str = "generated",
) -> Path:
    """Write canonical tables of stays.

    `items` are (stay, hours) per modality of kind `vectors`; `diagnoses` are (admission, code,
    version of ICD).
    """
    folder.mkdir(parents=True)
    items = items or {}
    pl.DataFrame(
        stays,
        schema={
            "stay_id": pl.Int64,
            "patient_id": pl.Int64,
            "admission_id": pl.Int64,
            "intime": pl.Datetime("us"),
            "outtime": pl.Datetime("us"),
            "los_days": pl.Float64,
            "in_hospital_death": pl.Int8,
            "age": pl.Float32,
            "transferred": pl.Boolean,
        },
    ).write_parquet(folder / "stays.parquet")
    pl.DataFrame(
        events,
        schema={
            "stay_id": pl.Int64,
            "hours": pl.Float32,
            "channel": pl.Enum(VITALS),
            "value": pl.Float32,
        },
        orient="row",
    ).write_parquet(folder / "events.parquet")
    for name, rows in items.items():
        pl.DataFrame(
            rows, schema={"stay_id": pl.Int64, "hours": pl.Float32}, orient="row"
        ).write_parquet(folder / ENTRIES[name]["table"])
    write_diagnoses(folder, diagnoses)
    entries = [entry for name, entry in ENTRIES.items() if name == "vitals" or name in items]
    (folder / "modalities.json").write_text(json.dumps({"stay": entries}))
    counts = {"release": release, "channels": "paper"}
    (folder / "counts.json").write_text(json.dumps(counts))
    return folder


def write_diagnoses(folder: Path, diagnoses: Sequence[tuple[int, str, int]]) -> None:
    pl.DataFrame(
        diagnoses,
        schema={"admission_id": pl.Int64, "code": pl.String, "version": pl.Int8},
        orient="row",
    ).with_columns(patient_id=pl.col("admission_id") // 10).write_parquet(
        folder / "diagnoses.parquet"
    )


def admission(
    number: int,
    patient: int,
    day: int,
    *,
    days: int | None = 3,
    died: int = 0,
    dead_on_day: int | None = None,
    age: float = 60.0,
) -> dict[str, Any]:
    """Return a row of admissions.parquet; `day` of admission and of death count from the first."""
    start = ADMITTED + timedelta(days=day)
    dead: date | None = None
    if dead_on_day is not None:
        dead = (ADMITTED + timedelta(days=dead_on_day)).date()
    return {
        "patient_id": patient,
        "admission_id": number,
        "admittime": start,
        "dischtime": None if days is None else start + timedelta(days=days),
        "in_hospital_death": died,
        "death_date": dead,
        "age": age,
    }


def write_admissions(
    folder: Path,
    admissions: Sequence[dict[str, Any]],
    *,
    labs: Sequence[tuple[int, float | None, float | None]] = (),
    notes: Sequence[int] = (),
    diagnoses: Sequence[tuple[int, str, int]] = (),
) -> Path:
    """Write canonical tables of admissions."""
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(
        admissions,
        schema={
            "patient_id": pl.Int64,
            "admission_id": pl.Int64,
            "admittime": pl.Datetime("us"),
            "dischtime": pl.Datetime("us"),
            "in_hospital_death": pl.Int8,
            "death_date": pl.Date,
            "age": pl.Float32,
        },
    ).write_parquet(folder / "admissions.parquet")
    pl.DataFrame(
        labs,
        schema={"stay_id": pl.Int64, "Sodium_last": pl.Float32, "Sodium_mean": pl.Float32},
        orient="row",
    ).write_parquet(folder / "admission_labs.parquet")
    pl.DataFrame(
        [(number, 0.0) for number in notes],
        schema={"stay_id": pl.Int64, "hours": pl.Float32},
        orient="row",
    ).write_parquet(folder / "discharge_notes.parquet")
    write_diagnoses(folder, diagnoses)
    (folder / "modalities.json").write_text(json.dumps({"admission": ADMISSION_ENTRIES}))
    return folder
