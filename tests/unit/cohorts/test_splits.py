"""Writing splits: files of a protocol appear only when they are disjoint and complete."""

import json
from pathlib import Path

import polars as pl
import pytest

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.cohorts.patients import write_patients
from fleximodal.cohorts.splits import read_splits, write_splits
from fleximodal.cohorts.verdicts import LeakageError
from fleximodal.errors import FleximodalError
from tests.unit.cohorts.hospitals import stay, write_stays

SHARES = {"fractions": [0.6, 0.2, 0.2], "seed": 0, "count": 2}


@pytest.fixture
def cohort(hospital: Path, tmp_path: Path) -> Path:
    write_cohort(hospital, tmp_path / "cohort", source="physionet2012", task="48-IHM")
    return tmp_path / "cohort"


def test_official_splits_are_written_with_every_gate(cohort: Path, tmp_path: Path) -> None:
    output = tmp_path / "official"
    for _ in range(2):  # a second time, over the first
        write_splits(cohort, output, protocol={"kind": "official"})
    splits = read_splits(output / "splits.parquet")
    assert dict(splits.select("stay_id", "part").rows()) == {
        1: "train",
        2: "train",
        3: "train",
        5: "val",
        7: "test",
    }
    checks = json.loads((output / "checks.json").read_text())
    assert [(gate["name"], gate["verdict"]) for gate in checks["gates"]] == [
        ("stays-disjoint", "passed"),
        ("patients-disjoint", "passed"),
        ("cohort-complete", "passed"),
    ]
    assert sorted(path.name for path in output.iterdir()) == [
        "checks.json",
        "manifest.json",
        "splits.parquet",
    ]


def test_patient_in_two_sets_leaves_nothing(cohort: Path, tmp_path: Path) -> None:
    table = pl.read_parquet(cohort / "cohort.parquet")
    table.with_columns(patient_id=pl.lit(1, dtype=pl.Int64)).write_parquet(
        cohort / "cohort.parquet"
    )
    with pytest.raises(LeakageError, match="share the same patient"):
        write_splits(cohort, tmp_path / "official", protocol={"kind": "official"})
    assert not (tmp_path / "official").exists()


@pytest.fixture
def mimic(tmp_path: Path) -> tuple[Path, Path]:
    """Return folders of canonical tables and cohort: forty stays of twenty patients."""
    numbers = range(1, 41)
    canonical = write_stays(
        tmp_path / "canonical",
        [stay(number, number // 2, number, 50.0) for number in numbers],
        events=[(number, 1.0, "Sodium", 1.0) for number in numbers],
    )
    write_cohort(canonical, tmp_path / "cohort", source="mimic4", task="LOS")
    return canonical, tmp_path / "cohort"


def test_splits_by_patient_follow_the_division_of_the_source(
    mimic: tuple[Path, Path], tmp_path: Path
) -> None:
    canonical, cohort = mimic
    protocol = {**SHARES, "kind": "patient"}
    write_patients(canonical, tmp_path / "patients", protocol=protocol)
    patients = tmp_path / "patients" / "patients.parquet"
    write_splits(cohort, tmp_path / "splits", protocol=protocol, patients=patients)
    table = pl.read_parquet(cohort / "cohort.parquet")
    splits = read_splits(tmp_path / "splits" / "splits.parquet")
    members = splits.join(table, on="stay_id").select("split", "patient_id", "part").unique()
    told = pl.read_parquet(patients)
    assert members.sort("split", "patient_id").equals(told.sort("split", "patient_id"))
    manifest = json.loads((tmp_path / "splits" / "manifest.json").read_text())
    assert sorted(manifest["inputs"]) == ["cohort.parquet", "patients.parquet"]


def test_splits_by_stay_report_the_patients_on_both_sides(
    mimic: tuple[Path, Path], tmp_path: Path
) -> None:
    _, cohort = mimic
    write_splits(cohort, tmp_path / "splits", protocol={**SHARES, "kind": "stay"})
    table = pl.read_parquet(cohort / "cohort.parquet")
    part = read_splits(tmp_path / "splits" / "splits.parquet").filter(split="stay1")
    of_stay = {
        number: (patient, where)
        for number, patient, where in part.join(table, on="stay_id")
        .select("stay_id", "patient_id", "part")
        .rows()
    }
    train = {patient for patient, where in of_stay.values() if where == "train"}
    checks = json.loads((tmp_path / "splits" / "checks.json").read_text())
    gate = checks["gates"][1]
    assert (gate["name"], gate["verdict"]) == ("patients-disjoint", "reported")
    numbers = gate["numbers"]["stay1"]
    for where in ("val", "test"):
        held_out = [patient for patient, place in of_stay.values() if place == where]
        assert numbers[where] == {
            "stays": len(held_out),
            "train_patient": sum(patient in train for patient in held_out),
        }
    places = {
        patient: {where for other, where in of_stay.values() if other == patient}
        for patient, _ in of_stay.values()
    }
    assert numbers["patients"] == len(places)
    assert numbers["shared_patients"] == sum(len(where) > 1 for where in places.values()) > 0


def test_absent_cohort_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="cohort.parquet does not exist"):
        write_splits(tmp_path, tmp_path / "x", protocol={"kind": "official"})
