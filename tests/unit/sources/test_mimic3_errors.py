"""Faulty folders in the layout of MIMIC-III, each refused in one sentence."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from fleximodal.errors import FleximodalError
from tests.unit.sources.small_mimic3 import (
    ADMISSIONS,
    IDS,
    PATIENT,
    STAYS,
    Row,
    chart,
    convert,
    lab,
    note,
    write_mimic3,
)


def bad_stay(**other: Any) -> list[Row]:
    return [STAYS[0], {**STAYS[1], **other}, STAYS[2]]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"icustays": bad_stay(OUTTIME="2140-01-05 23:59:59")}, "line 3 .*ends before it begins"),
        ({"icustays": bad_stay(ICUSTAY_ID=9000001)}, "line 3 repeats the stay_id"),
        ({"icustays": bad_stay(HADM_ID=8000009)}, "line 3 .*ADMISSIONS.csv.gz lacks"),
        ({"icustays": bad_stay(SUBJECT_ID=7000009)}, "line 3 .*ADMISSIONS.csv.gz lacks"),
        ({"icustays": bad_stay(INTIME="yesterday")}, "column INTIME.*not a time stamp"),
        ({"patients": [PATIENT, PATIENT]}, "PATIENTS.csv.gz, line 3 repeats the patient_id"),
        ({"patients": [{**PATIENT, "DOB": None}]}, "line 2 has no DOB"),
        ({"admissions": [*ADMISSIONS, ADMISSIONS[0]]}, "line 4 repeats the admission_id"),
        (
            {"admissions": [{**ADMISSIONS[0], "SUBJECT_ID": 7000009}, ADMISSIONS[1]]},
            "line 2 has a patient_id that PATIENTS.csv.gz lacks",
        ),
        (
            {"admissions": [{**ADMISSIONS[0], "HOSPITAL_EXPIRE_FLAG": None}, ADMISSIONS[1]]},
            "line 2 has a HOSPITAL_EXPIRE_FLAG that is neither 0 nor 1",
        ),
        ({"chartevents": [chart("2140-13-45 00:00:00", 1)]}, "CHARTEVENTS.*not a time stamp"),
        ({"chartevents": [chart("2140-01-03 00:00:00", 1, ERROR="yes")]}, "CHARTEVENTS.*ERROR"),
        ({"noteevents": [note(1, "soon", "text")]}, "NOTEEVENTS.*not a time stamp"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, tables: dict[str, Any], message: str) -> None:
    folder = write_mimic3(tmp_path / "raw", **tables)
    with pytest.raises(FleximodalError, match=re.compile(message, re.I)) as raised:
        convert(folder)
    sentence = str(raised.value).replace(str(tmp_path), "")
    assert sentence.count("\n") == 0 and sentence.endswith(".")
    assert not any(number in sentence for number in (*IDS, "7000009", "8000009", "2140-"))
    assert not (tmp_path / "canonical").exists()


@pytest.mark.parametrize(
    "name", ["PATIENTS", "ADMISSIONS", "ICUSTAYS", "DIAGNOSES_ICD", "CHARTEVENTS", "LABEVENTS"]
)
def test_absent_table(tmp_path: Path, name: str) -> None:
    folder = write_mimic3(tmp_path / "raw", without=[name])
    with pytest.raises(FleximodalError, match=f"has no {name}.csv.gz"):
        convert(folder)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("ICUSTAYS", "INTIME"),
        ("ADMISSIONS", "HOSPITAL_EXPIRE_FLAG"),
        ("CHARTEVENTS", "ERROR"),
        ("LABEVENTS", "VALUEUOM"),
        ("NOTEEVENTS", "TEXT"),
    ],
)
def test_absent_column(tmp_path: Path, name: str, column: str) -> None:
    folder = write_mimic3(tmp_path / "raw", chartevents=[chart("2140-01-03 00:00:00", 1)])
    path = folder / f"{name}.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    path.write_bytes(gzip.compress(text.replace(f'"{column}"', '"RENAMED"').encode()))
    with pytest.raises(
        FleximodalError, match=re.compile(f"{name}.* lacks the column {column}", re.I)
    ):
        convert(folder)


@pytest.mark.parametrize("name", ["ICUSTAYS", "CHARTEVENTS", "LABEVENTS", "NOTEEVENTS"])
def test_truncated_table_leaves_nothing_and_spares_the_old(tmp_path: Path, name: str) -> None:
    rows = [chart(f"2140-01-03 {n // 60:02}:{n % 60:02}:00", n * 7919 % 97) for n in range(1440)]
    labs = [lab(row["CHARTTIME"], row["VALUE"]) for row in rows]  # type: ignore[arg-type]
    notes = [note(n, "2140-01-03 00:00:00", f"note {n * 7919 % 97}") for n in range(1440)]
    folder = write_mimic3(tmp_path / "raw", chartevents=rows, labevents=labs, noteevents=notes)
    output, _ = convert(folder)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    whole = (folder / f"{name}.csv.gz").read_bytes()
    (folder / f"{name}.csv.gz").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(FleximodalError, match=f"{name}.csv.gz is truncated or damaged"):
        convert(folder)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
