"""Writing splits: files of a protocol appear only when every gate has passed."""

import json
from pathlib import Path

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.leakage import LeakageError
from fleximodal.cohorts.splits import read_splits, write_splits
from fleximodal.errors import FleximodalError


@pytest.fixture
def cohort(hospital: Path, tmp_path: Path) -> Path:
    write_cohort(hospital, tmp_path / "cohort", source="small", task="48-IHM")
    return tmp_path / "cohort"


def test_official_splits_are_written_with_every_gate(
    hospital: Path, cohort: Path, tmp_path: Path
) -> None:
    output = tmp_path / "official"
    for _ in range(2):  # a second time, over the first
        write_splits(
            cohort, output, protocol={"kind": "official"}, events=hospital / "events.parquet"
        )
    splits = read_splits(output / "splits.parquet")
    assert dict(splits.select("stay_id", "part").rows()) == {
        1: "train",
        2: "train",
        3: "train",
        5: "val",
        7: "test",
    }
    leakage = json.loads((output / "leakage.json").read_text())
    assert [(gate["name"], gate["verdict"]) for gate in leakage["gates"]] == [
        ("events-within-window", "passed"),
        ("stays-disjoint", "passed"),
        ("patients-disjoint", "passed"),
        ("cohort-complete", "passed"),
    ]
    assert leakage["missingness_only"]["official"] == {"auroc": None, "n_train": 3, "n_test": 1}
    assert sorted(path.name for path in output.iterdir()) == [
        "leakage.json",
        "manifest.json",
        "splits.parquet",
    ]


def test_failing_gate_leaves_nothing(hospital: Path, cohort: Path, tmp_path: Path) -> None:
    table = pl.read_parquet(hospital / "events.parquet")
    late = table.head(1).with_columns(hours=pl.lit(49.0, dtype=pl.Float32))
    pl.concat([table, late]).write_parquet(hospital / "events.parquet")
    with pytest.raises(LeakageError, match="1 observations after 48 hours"):
        write_splits(
            cohort,
            tmp_path / "official",
            protocol={"kind": "official"},
            events=hospital / "events.parquet",
        )
    assert not (tmp_path / "official").exists()


def test_patient_in_two_sets_fails_the_build(hospital: Path, cohort: Path, tmp_path: Path) -> None:
    table = pl.read_parquet(cohort / "cohort.parquet")
    table.with_columns(patient_id=pl.lit(1, dtype=pl.Int64)).write_parquet(
        cohort / "cohort.parquet"
    )
    with pytest.raises(LeakageError, match="share the same patient"):
        write_splits(
            cohort,
            tmp_path / "official",
            protocol={"kind": "official"},
            events=hospital / "events.parquet",
        )
    assert not (tmp_path / "official").exists()


def test_absent_cohort_is_named(hospital: Path, tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="cohort.parquet does not exist"):
        write_splits(tmp_path, tmp_path / "x", protocol={"kind": "official"}, events=hospital / "e")
