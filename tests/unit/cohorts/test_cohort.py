"""Cohort of 48-IHM: who is in, the flags and the counts, on a hospital counted by hand."""

import json
from pathlib import Path

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.errors import FleximodalError


@pytest.fixture
def cohort(hospital: Path, tmp_path: Path) -> Path:
    write_cohort(hospital, tmp_path / "cohort", source="physionet2012", task="48-IHM")
    return tmp_path / "cohort"


def test_cohort_holds_stays_with_series_and_outcome(cohort: Path) -> None:
    table = pl.read_parquet(cohort / "cohort.parquet")
    assert table.rows() == [
        # stay, patient, set, label, vitals, labs, static, hours (not told)
        (1, 10, "a", 0, True, True, True, None),
        (2, 10, "a", 1, False, True, True, None),
        (3, 30, "a", 1, True, False, True, None),
        (5, 50, "b", 0, True, False, True, None),
        (7, 70, "c", 0, False, True, True, None),
    ]
    assert table.columns[4:] == ["has_vitals", "has_labs", "has_static", "hours"]
    assert table.schema["label"] == pl.Int8


def test_flow_counts_in_order(cohort: Path) -> None:
    flow = json.loads((cohort / "flow.json").read_text())
    assert flow["steps"] == [
        {"step": "all records", "stays": 7, "patients": 6, "positive": 3},
        {"step": "with any time series", "stays": 6, "patients": 5, "positive": 2},
        {"step": "with known outcome", "stays": 5, "patients": 4, "positive": 2},
    ]
    assert flow["availability"] == [
        {"modality": "vitals", "stays": 3, "patients": 3, "positive": 1},
        {"modality": "labs", "stays": 3, "patients": 2, "positive": 1},
        {"modality": "static", "stays": 5, "patients": 4, "positive": 2},
    ]
    assert flow["complete_cases"] == {
        "vitals+labs": 1,
        "vitals+static": 3,
        "vitals+labs+static": 1,
    }


def test_task_says_label_and_window(cohort: Path) -> None:
    assert json.loads((cohort / "task.json").read_text()) == {
        "task": "48-IHM",
        "unit": "stay",
        "labels": ["death"],
        "window_hours": 48.0,
        "horizon_hours": 48.0,
        "axis": "hours",
        "full_window": True,
    }


def test_generated_source_is_read_by_the_reader_of_its_layout(
    hospital: Path, cohort: Path, tmp_path: Path
) -> None:
    write_cohort(hospital, tmp_path / "x", source="synthetic-physionet2012", task="48-IHM")
    same = (tmp_path / "x" / "cohort.parquet").read_bytes()
    assert same == (cohort / "cohort.parquet").read_bytes()


def test_same_input_gives_the_same_bytes(hospital: Path, cohort: Path, tmp_path: Path) -> None:
    write_cohort(hospital, tmp_path / "again", source="physionet2012", task="48-IHM")
    for name in ("cohort.parquet", "flow.json", "manifest.json"):
        assert (tmp_path / "again" / name).read_bytes() == (cohort / name).read_bytes()


def test_other_files_of_the_folder_stay(hospital: Path, cohort: Path) -> None:
    (cohort / "official").mkdir()
    (cohort / "official" / "splits.parquet").write_text("kept")
    write_cohort(hospital, cohort, source="physionet2012", task="48-IHM")
    assert (cohort / "official" / "splits.parquet").read_text() == "kept"


@pytest.mark.parametrize(
    ("source", "task", "words"),
    [
        ("physionet2012", "48-IMH", "physionet2012 has no task '48-IMH'; did you mean 48-IHM"),
        ("physionet2012", "LOS", "physionet2012 has no task 'LOS'; its tasks are 48-IHM"),
        ("synthetic-mimic3", "LOS", "synthetic-mimic3 has no task 'LOS'; its tasks are 48-IHM, 25"),
        ("mimic5", "LOS", "Unknown source 'mimic5'; sources with tasks are physionet2012, mimic4"),
    ],
)
def test_unknown_task_is_refused(
    hospital: Path, tmp_path: Path, source: str, task: str, words: str
) -> None:
    with pytest.raises(FleximodalError, match=words):
        write_cohort(hospital, tmp_path / "x", source=source, task=task)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"gem_rul": "any"}, "Unknown cohort setting 'gem_rul'; did you mean 'gem_rule'"),
        ({"gem_rule": "first"}, "Cohort setting gem_rule = 'first' is impossible"),
        ({"axis": "days"}, "axis = 'days'"),
        ({"window_hours": 0}, "window_hours = 0"),
        ({"parent_fallback": "yes"}, "parent_fallback = 'yes'"),
    ],
)
def test_impossible_settings_are_refused(
    hospital: Path, tmp_path: Path, settings: dict, words: str
) -> None:
    with pytest.raises(FleximodalError, match=words):
        write_cohort(
            hospital, tmp_path / "x", source="physionet2012", task="48-IHM", settings=settings
        )


@pytest.mark.parametrize("name", ["stays.parquet", "events.parquet", "modalities.json"])
def test_missing_table_is_named(hospital: Path, tmp_path: Path, name: str) -> None:
    (hospital / name).unlink()
    with pytest.raises(FleximodalError, match=name):
        write_cohort(hospital, tmp_path / "x", source="physionet2012", task="48-IHM")


def test_missing_column_is_named(hospital: Path, tmp_path: Path) -> None:
    stays = pl.read_parquet(hospital / "stays.parquet").drop("in_hospital_death")
    stays.write_parquet(hospital / "stays.parquet")
    with pytest.raises(FleximodalError, match="stays.parquet has no column in_hospital_death"):
        write_cohort(hospital, tmp_path / "x", source="physionet2012", task="48-IHM")


def test_unknown_kind_of_modality_is_refused(hospital: Path, tmp_path: Path) -> None:
    entries = [{"name": "ct", "kind": "volume"}]
    (hospital / "modalities.json").write_text(json.dumps({"stay": entries}))
    with pytest.raises(FleximodalError, match="modality ct has kind 'volume'"):
        write_cohort(hospital, tmp_path / "x", source="physionet2012", task="48-IHM")


def test_unit_without_modalities_is_refused(hospital: Path, tmp_path: Path) -> None:
    (hospital / "modalities.json").write_text(json.dumps({"admission": []}))
    with pytest.raises(FleximodalError, match="no modality of the unit 'stay', only of admission"):
        write_cohort(hospital, tmp_path / "x", source="physionet2012", task="48-IHM")


def test_nobody_left_is_refused_with_the_step(hospital: Path, tmp_path: Path) -> None:
    events = pl.read_parquet(hospital / "events.parquet")
    events.clear().write_parquet(hospital / "events.parquet")
    with pytest.raises(FleximodalError, match="nobody left after the step 'with any time series'"):
        write_cohort(hospital, tmp_path / "x", source="physionet2012", task="48-IHM")
    assert not (tmp_path / "x").exists()
