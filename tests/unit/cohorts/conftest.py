"""A hospital of a few stays, as canonical tables."""

import json
from pathlib import Path

import polars as pl
import pytest

MODALITIES = [
    {"name": "vitals", "kind": "series", "channels": ["HR", "Temp"]},
    {"name": "labs", "kind": "series", "channels": ["K"]},
    {"name": "static", "kind": "items", "features": ["age"], "table": "static.parquet"},
]


def write_hospital(
    folder: Path, stays: list[tuple[int, int, str, int | None]], events: list[tuple]
) -> Path:
    folder.mkdir(parents=True)
    pl.DataFrame(
        stays, schema=["stay_id", "patient_id", "set", "in_hospital_death"], orient="row"
    ).write_parquet(folder / "stays.parquet")
    pl.DataFrame(
        events,
        schema={
            "stay_id": pl.Int64,
            "hours": pl.Float32,
            "channel": pl.Categorical,
            "value": pl.Float32,
        },
        orient="row",
    ).write_parquet(folder / "events.parquet")
    pl.DataFrame(
        {"stay_id": [stay[0] for stay in stays], "age": [50.0] * len(stays)}
    ).write_parquet(folder / "static.parquet")
    (folder / "modalities.json").write_text(json.dumps({"stay": MODALITIES}))
    return folder


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """Seven stays of six patients; stay 4 has no series, stay 6 no outcome, stay 7 one odd row."""
    stays = [
        (3, 30, "a", 1),
        (1, 10, "a", 0),
        (2, 10, "a", 1),
        (4, 40, "b", 1),
        (5, 50, "b", 0),
        (6, 60, "c", None),
        (7, 70, "c", 0),
    ]
    events = [
        (1, 0.5, "HR", 80.0),
        (1, 48.0, "K", 4.0),
        (2, 1.0, "K", 4.5),
        (3, 1.0, "Temp", 37.0),
        (3, 2.0, "Temp", 37.5),
        (5, 0.0, "HR", 90.0),
        (6, 3.0, "HR", 90.0),
        (7, 3.0, "K", 3.0),
        (7, 3.0, "unlisted", 3.0),
        (4, 3.0, "unlisted", 3.0),
    ]
    return write_hospital(tmp_path / "canonical", stays, events)
