"""One-year mortality: one admission per patient, the label and the flags, counted by hand."""

import json
from pathlib import Path

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from tests.unit.cohorts.hospitals import admission, write_admissions


@pytest.fixture
def canonical(tmp_path: Path) -> Path:
    admissions = [
        # Two visits, dead a year after the last discharge (day 13) to the day.
        admission(101, 1, 0),
        admission(102, 1, 10, dead_on_day=13 + 365),
        # The same, a day later: survived the year.
        admission(202, 2, 10, dead_on_day=13 + 366),
        admission(201, 2, 0),
        # One visit only.
        admission(301, 3, 0, dead_on_day=20),
        # Died at the last visit: not replaced by the visit before.
        admission(401, 4, 0),
        admission(402, 4, 10, died=1, dead_on_day=12),
        # Dead on the day of discharge, though not in hospital by the record.
        admission(501, 5, 0),
        admission(502, 5, 10, dead_on_day=13),
        # A child's visit does not count towards two.
        admission(601, 6, 0, age=17.0),
        admission(602, 6, 400, age=18.0),
        # Alive as far as known.
        admission(701, 7, 0),
        admission(702, 7, 10),
        admission(703, 7, 20),
        # Dead the day after.
        admission(801, 8, 0),
        admission(802, 8, 10, dead_on_day=14),
        # Whether a year was survived cannot be told without its beginning.
        admission(901, 9, 0),
        admission(902, 9, 10, days=None, dead_on_day=14),
    ]
    return write_admissions(
        tmp_path / "canonical",
        admissions,
        labs=[(102, 140.0, None), (202, None, None), (802, 138.0, 139.0)],
        notes=[102, 703, 701],
        diagnoses=[(102, "4280", 9), (703, "I10", 10), (201, "I10", 10)],
    )


def test_cohort_labels_and_flags(canonical: Path, tmp_path: Path) -> None:
    output = tmp_path / "cohort"
    write_cohort(canonical, output, source="mimic4", task="one-year-mortality")
    table = pl.read_parquet(output / "cohort.parquet")
    assert table.columns == [
        *("stay_id", "patient_id", "label", "has_labs", "has_notes", "has_codes", "hours")
    ]
    assert table.rows() == [
        (102, 1, 1, True, True, True, 72.0),
        (202, 2, 0, False, False, False, 72.0),  # its laboratory row is empty
        (703, 7, 0, False, True, True, 72.0),
        (802, 8, 1, True, False, False, 72.0),
    ]
    flow = json.loads((output / "flow.json").read_text())
    assert [(step["step"], step["stays"], step["patients"]) for step in flow["steps"]] == [
        ("all admissions", 18, 9),
        ("18 years or older", 17, 9),
        ("of patients with more than one", 15, 7),
        ("last of the patient", 7, 7),
        ("not coinciding with death", 5, 5),
        ("with a time of discharge", 4, 4),
    ]
    assert flow["complete_cases"] == {"labs+notes": 1, "labs+codes": 1, "labs+notes+codes": 1}
    assert json.loads((output / "task.json").read_text()) == {
        "task": "one-year-mortality",
        "unit": "admission",
        "labels": ["death"],
        "window_hours": None,
        "horizon_hours": 48.0,
        "axis": "hours",
        "full_window": True,
    }
