"""Cohorts of stays of MIMIC: who is in, labels, windows and flags, counted by hand."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.phenotypes import PHENOTYPES
from tests.unit.cohorts.hospitals import stay, write_stays

COLUMN = {phenotype.ccs: column for column, phenotype in enumerate(PHENOTYPES)}


def build(canonical: Path, source: str, task: str, **settings: Any) -> tuple[pl.DataFrame, dict]:
    output = canonical.parent / "cohort"
    write_cohort(canonical, output, source=source, task=task, settings=settings)
    return pl.read_parquet(output / "cohort.parquet"), json.loads(
        (output / "flow.json").read_text()
    )


def steps_of(flow: dict) -> list[tuple[str, int]]:
    return [(step["step"], step["stays"]) for step in flow["steps"]]


@pytest.fixture
def mimic4(tmp_path: Path) -> Path:
    """Stays 1 and 2 are of one admission; 3 is short, 5 has notes only, 6 measures too late."""
    stays = [
        stay(6, 60, 600, 200.0),
        stay(1, 10, 100, 60.0, died=1),
        stay(2, 10, 100, 95.999, died=1),
        stay(3, 30, 300, 47.999),
        stay(4, 40, 400, 48.0),
        stay(5, 50, 500, 72.0),
        stay(7, 70, 700, 96.0),
    ]
    events = [
        (1, 0.0, "Heart rate", 80.0),
        (2, 48.0, "Sodium", 140.0),
        (3, 1.0, "Sodium", 140.0),
        (4, 47.0, "Heart rate", 70.0),
        (4, 60.0, "Heart rate", 70.0),
        (6, 48.01, "Heart rate", 70.0),
        (7, 10.0, "Heart rate", 70.0),
    ]
    items = {
        "notes": [(1, 3.0), (1, 4.0), (5, 2.0), (4, 50.0), (6, 1.0)],
        "cxr": [(1, 48.0), (2, 48.5), (7, 0.0)],
    }
    diagnoses = [
        (100, "4280", 9),
        (100, "99592", 9),
        (300, "I10", 10),
        (400, "R6521", 10),
        (400, "I4811", 10),
        (600, "V9999", 9),
        (700, "25000", 9),
    ]
    return write_stays(
        tmp_path / "canonical", stays, events=events, items=items, diagnoses=diagnoses
    )


def test_48_ihm(mimic4: Path) -> None:
    table, flow = build(mimic4, "mimic4", "48-IHM")
    assert table.columns == [
        *("stay_id", "patient_id", "label", "has_vitals", "has_notes", "has_cxr", "hours")
    ]
    assert table.drop("hours").rows() == [
        (1, 10, 1, True, True, True),
        (2, 10, 1, True, False, False),  # the radiograph is half an hour late
        (4, 40, 0, True, False, False),
        (7, 70, 0, True, False, True),
    ]
    assert table["hours"].to_list() == pytest.approx([60.0, 95.999, 48.0, 96.0])
    assert table.schema["hours"] == pl.Float32
    assert table.schema["label"] == pl.Int8
    assert steps_of(flow) == [
        ("all stays", 7),
        ("of at least 48 hours", 6),
        ("with a measurement in the window", 4),
    ]
    assert flow["steps"][-1] == {
        "step": "with a measurement in the window",
        "stays": 4,
        "patients": 3,
        "positive": 2,
    }
    assert flow["availability"][1:] == [
        {"modality": "notes", "stays": 1, "patients": 1, "positive": 1},
        {"modality": "cxr", "stays": 2, "patients": 2, "positive": 1},
    ]
    assert flow["complete_cases"] == {"vitals+notes": 1, "vitals+cxr": 2, "vitals+notes+cxr": 1}


def test_los_is_strictly_before_hour_96_and_alive(mimic4: Path) -> None:
    table, _ = build(mimic4, "mimic4", "LOS")
    # 1 and 2 leave in time but die in hospital; 7 leaves at hour 96.
    assert dict(table.select("stay_id", "label").rows()) == {1: 0, 2: 0, 4: 1, 7: 0}
    ihm, _ = build(mimic4, "mimic4", "48-IHM")
    assert table.drop("label").equals(ihm.drop("label"))


def positives(table: pl.DataFrame) -> dict[int, set[int]]:
    return {
        number: {PHENOTYPES[column].ccs for column, value in enumerate(label) if value}
        for number, label in table.select("stay_id", "label").rows()
    }


def test_25_phe_takes_whole_stays_and_all_codes_of_the_admission(mimic4: Path) -> None:
    table, flow = build(mimic4, "mimic4", "25-PHE")
    assert table.schema["label"] == pl.Array(pl.Int8, 25)
    assert positives(table) == {
        1: {2, 108},
        2: {2, 108},
        3: {98},
        4: {2, 249},
        6: set(),
        7: {49},
    }
    assert steps_of(flow) == [("all stays", 7), ("with a measurement in the window", 6)]
    wanted = [0] * 25
    for ccs, number in {2: 3, 108: 2, 98: 1, 249: 1, 49: 1}.items():
        wanted[COLUMN[ccs]] = number
    assert flow["steps"][-1]["positive"] == wanted
    assert dict(table.select("stay_id", "has_notes").rows())[4], "a note after hour 48 counts"
    assert flow["diagnoses"] == {
        "stays_without_code": 0,
        "icd9": {
            "rows": 4,
            "unmapped_rows": 1,
            "unmapped_share": 0.25,
            "codes": 4,
            "unmapped_codes": 1,
        },
        "icd10": {
            "rows": 3,
            "unmapped_rows": 1,
            "unmapped_share": pytest.approx(1 / 3),
            "codes": 3,
            "unmapped_codes": 1,
        },
    }


def test_settings_of_25_phe_reach_the_labels_and_the_task(mimic4: Path) -> None:
    table, flow = build(
        mimic4, "mimic4", "25-PHE", gem_rule="any", parent_fallback=True, axis="stay"
    )
    assert positives(table)[3] == {98, 99}
    assert positives(table)[4] == {2, 106, 249}
    assert flow["diagnoses"]["icd10"]["unmapped_rows"] == 0
    task = json.loads((mimic4.parent / "cohort" / "task.json").read_text())
    assert task["labels"] == [phenotype.name for phenotype in PHENOTYPES]
    assert (task["window_hours"], task["horizon_hours"], task["axis"]) == (None, 48.0, "stay")
    settings = json.loads((mimic4.parent / "cohort" / "manifest.json").read_text())["settings"]
    assert settings == {
        "source": "mimic4",
        "task": "25-PHE",
        "gem_rule": "any",
        "parent_fallback": True,
        "axis": "stay",
        "window_hours": None,
    }


@pytest.fixture
def mimic3(tmp_path: Path) -> Path:
    """Stays 1 and 2 stay in the benchmark; 2 is too short for 48 hours."""
    stays = [
        stay(1, 10, 100, 50.0, died=1),
        stay(2, 20, 200, 30.0),
        stay(3, 30, 300, 50.0, transferred=True),
        stay(4, 40, 400, 50.0),
        stay(5, 40, 400, 50.0),
        stay(6, 60, 600, 50.0, age=17.9),
        stay(7, 70, 700, None),
        stay(8, 80, 800, 20.0),
        stay(9, 90, 900, 60.0, age=18.0),
    ]
    events = [(number, 1.0, "Heart rate", 80.0) for number in (1, 2, 3, 4, 5, 6, 7, 8)]
    events += [(9, 30.0, "Heart rate", 80.0)]
    return write_stays(
        tmp_path / "canonical",
        stays,
        events=events,
        items={"notes": [(1, 2.0), (2, 25.0), (9, 1.0)]},
        diagnoses=[(100, "4280", 9), (200, "0389", 9), (300, "0389", 9)],
    )


EXCLUSIONS = [
    ("all stays", 9),
    ("of known length", 8),
    ("without transfer between wards or units", 7),
    ("only stay of its admission", 5),
    ("18 years or older", 4),
]


def test_48_ihm_of_mimic3_excludes_as_the_benchmark(mimic3: Path) -> None:
    table, flow = build(mimic3, "mimic3", "48-IHM")
    assert steps_of(flow) == [
        *EXCLUSIONS,
        ("of at least 48 hours", 2),
        ("with a measurement in the window", 2),
    ]
    assert table.select("stay_id", "label", "has_notes").rows() == [(1, 1, True), (9, 0, True)]


def test_25_phe_of_mimic3_observes_24_hours(mimic3: Path) -> None:
    table, flow = build(mimic3, "mimic3", "25-PHE")
    assert steps_of(flow) == [
        *EXCLUSIONS,
        ("with a measurement in the window", 3),
    ]
    assert positives(table) == {1: {108}, 2: {2}, 8: set()}, "8 ends before hour 24 and counts"
    assert table["has_notes"].to_list() == [True, False, False], "a note is an hour late"
    task = json.loads((mimic3.parent / "cohort" / "task.json").read_text())
    assert (task["window_hours"], task["horizon_hours"], task["axis"]) == (24.0, 24.0, "hours")


def test_25_phe_of_mimic3_with_the_whole_stay(mimic3: Path) -> None:
    table, flow = build(mimic3, "mimic3", "25-PHE", window_hours=None)
    assert steps_of(flow) == [*EXCLUSIONS, ("with a measurement in the window", 4)]
    assert table["stay_id"].to_list() == [1, 2, 8, 9]
    task = json.loads((mimic3.parent / "cohort" / "task.json").read_text())
    assert (task["window_hours"], task["horizon_hours"]) == (None, 48.0)
