"""Cohort of 48-IHM: who is in, the flags and the counts, on a hospital counted by hand."""

import json
from pathlib import Path

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.errors import FleximodalError


@pytest.fixture
def cohort(hospital: Path, tmp_path: Path) -> Path:
    write_cohort(hospital, tmp_path / "cohort", source="small", task="48-IHM")
    return tmp_path / "cohort"


def test_cohort_holds_stays_with_series_and_outcome(cohort: Path) -> None:
    table = pl.read_parquet(cohort / "cohort.parquet")
    assert table.rows() == [
        # stay, patient, set, label, vitals, labs, static
        (1, 10, "a", 0, True, True, True),
        (2, 10, "a", 1, False, True, True),
        (3, 30, "a", 1, True, False, True),
        (5, 50, "b", 0, True, False, True),
        (7, 70, "c", 0, False, True, True),
    ]
    assert table.columns[4:] == ["has_vitals", "has_labs", "has_static"]
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


def test_same_input_gives_the_same_bytes(hospital: Path, cohort: Path, tmp_path: Path) -> None:
    write_cohort(hospital, tmp_path / "again", source="small", task="48-IHM")
    for name in ("cohort.parquet", "flow.json", "manifest.json"):
        assert (tmp_path / "again" / name).read_bytes() == (cohort / name).read_bytes()


def test_other_files_of_the_folder_stay(hospital: Path, cohort: Path) -> None:
    (cohort / "official").mkdir()
    (cohort / "official" / "splits.parquet").write_text("kept")
    write_cohort(hospital, cohort, source="small", task="48-IHM")
    assert (cohort / "official" / "splits.parquet").read_text() == "kept"


def test_unknown_task_is_refused_with_the_nearest_name(hospital: Path, tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="'48-IMH'.*did you mean 48-IHM"):
        write_cohort(hospital, tmp_path / "x", source="small", task="48-IMH")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["stays.parquet", "events.parquet", "modalities.json"])
def test_missing_table_is_named(hospital: Path, tmp_path: Path, name: str) -> None:
    (hospital / name).unlink()
    with pytest.raises(FleximodalError, match=name):
        write_cohort(hospital, tmp_path / "x", source="small", task="48-IHM")


def test_missing_column_is_named(hospital: Path, tmp_path: Path) -> None:
    stays = pl.read_parquet(hospital / "stays.parquet").drop("in_hospital_death")
    stays.write_parquet(hospital / "stays.parquet")
    with pytest.raises(FleximodalError, match="stays.parquet has no column in_hospital_death"):
        write_cohort(hospital, tmp_path / "x", source="small", task="48-IHM")


def test_unknown_kind_of_modality_is_refused(hospital: Path, tmp_path: Path) -> None:
    (hospital / "modalities.json").write_text(json.dumps([{"name": "ct", "kind": "volume"}]))
    with pytest.raises(FleximodalError, match="modality ct has kind 'volume'"):
        write_cohort(hospital, tmp_path / "x", source="small", task="48-IHM")
