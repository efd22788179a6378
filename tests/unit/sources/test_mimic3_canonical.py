"""Small made-up folders in the layout of MIMIC-III, from raw tables to canonical ones."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleximodal.sources.mimic3.channels import CHANNEL_NAMES
from fleximodal.sources.mimic3.release import detect_release
from tests.unit.sources.small_mimic3 import (
    FIRST,
    IDS,
    PATIENT,
    SECOND,
    STAYS,
    chart,
    convert,
    lab,
    note,
    write_mimic3,
)


def events_of(output: Path) -> list[tuple[int, float, str, float]]:
    return pl.read_parquet(output / "events.parquet").rows()


def test_small_tables(tmp_path: Path) -> None:
    folder = write_mimic3(tmp_path / "raw", plain=True)
    output, counts = convert(folder)
    stays = pl.read_parquet(output / "stays.parquet")
    assert stays.schema == {
        "stay_id": pl.Int64,
        "patient_id": pl.Int64,
        "admission_id": pl.Int64,
        "intime": pl.Datetime("us"),
        "outtime": pl.Datetime("us"),
        "los_days": pl.Float64,
        "in_hospital_death": pl.Int8,
        "age": pl.Float32,
        "transferred": pl.Boolean,
        "stays_in_admission": pl.Int32,
    }
    assert stays["stay_id"].to_list() == [9000001, 9000002, 9000003]
    assert stays["los_days"].to_list() == [2, 3.5, 1.5]
    assert stays["in_hospital_death"].to_list() == [0, 0, 1]
    assert stays["transferred"].to_list() == [False, True, False]
    assert stays["stays_in_admission"].to_list() == [2, 2, 1]
    assert stays["age"].to_list() == pytest.approx([60, 60, 61.16], abs=0.01)
    admissions = pl.read_parquet(output / "admissions.parquet")
    assert admissions.columns == [
        *("patient_id", "admission_id", "admittime", "dischtime"),
        *("in_hospital_death", "death_date", "age"),
    ]
    assert admissions["admission_id"].to_list() == [8000001, 8000002]
    assert counts["release"] == "unknown"
    assert counts["modules"] == {"core": True, "note": False}
    assert counts["stays"]["kept"] == 3
    assert counts["admissions"]["deaths"] == 1
    assert not (output / "notes.parquet").exists()
    modalities = json.loads((output / "modalities.json").read_text())
    assert [entry["name"] for entry in modalities["stay"]] == ["vitals"]
    assert modalities["stay"][0]["channels"] == list(CHANNEL_NAMES)
    assert modalities["admission"] == []
    assert not list(output.glob("scratch*"))


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("2140-01-01 00:00:00", 0),
        ("2122-01-02 00:00:00", 17.997),
        ("2051-06-01 00:00:00", 88.585),
        ("2050-06-01 00:00:00", 90),
        ("1840-01-01 00:00:00", 90),
        ("2150-01-01 00:00:00", 90),
    ],
)
def test_age_over_89_and_negative_age_are_90(tmp_path: Path, born: str, age: float) -> None:
    output, _ = convert(write_mimic3(tmp_path / "raw", patients=[{**PATIENT, "DOB": born}]))
    found = pl.read_parquet(output / "stays.parquet")["age"][0]
    assert found == pytest.approx(age, abs=0.003)


def test_stays_without_an_end_are_left_out_and_los_may_be_absent(tmp_path: Path) -> None:
    stays = [{**STAYS[0], "OUTTIME": None, "LOS": None}, {**STAYS[1], "LOS": None}, STAYS[2]]
    rows = [chart("2140-01-03 00:00:00", 80), chart("2140-01-07 00:00:00", 81, ICUSTAY_ID=9000002)]
    output, counts = convert(write_mimic3(tmp_path / "raw", icustays=stays, chartevents=rows))
    kept = pl.read_parquet(output / "stays.parquet")
    assert kept.select("stay_id", "los_days", "stays_in_admission").rows() == [
        (9000002, 3.5, 2),
        (9000003, 1.5, 1),
    ]
    assert counts["stays"]["without_outtime"] == 1
    assert counts["rows"]["ICUSTAYS"] == {"read": 3, "kept": 2}
    assert counts["CHARTEVENTS"]["dropped"] == {"inconsistent stay": {"Heart rate": 1}}
    assert events_of(output) == [(9000002, 24, "Heart rate", 81)]


def test_every_row_has_its_stay_or_its_reason(tmp_path: Path) -> None:
    unnamed: dict[str, Any] = {"ICUSTAY_ID": None}
    rows = [
        chart("2140-01-02 00:00:00", 60),
        chart("2140-01-03 00:00:00", 61, **unnamed),
        # Between the two stays: the first, which had begun.
        chart("2140-01-05 00:00:00", 62, **unnamed),
        chart("2140-01-06 00:00:00", 63, **unnamed),
        chart("2140-01-05 23:59:59", 64, **unnamed),
        # Named, and long after the end.
        chart("2140-01-08 00:00:00", 65),
        chart("2140-01-01 12:00:00", 66, **unnamed),
        chart("2140-01-01 12:00:00", 66),
        chart("2140-01-03 01:00:00", 67, ERROR=1),
        chart("2140-01-03 01:00:00", 67, ERROR=0),
        chart(None, 68),
        chart(None, 68, **unnamed),
        chart("2140-01-03 02:00:00", 69, HADM_ID=None),
        chart("2140-01-03 02:00:00", 69, HADM_ID=8000009),
        chart("2140-01-03 02:00:00", 69, ICUSTAY_ID=9000003),
        chart("2140-01-03 02:00:00", 69, ICUSTAY_ID=9000009),
        chart("2140-01-03 02:00:00", 69, SUBJECT_ID=7000009),
        chart("2140-01-03 02:00:00", 69, SUBJECT_ID=7000009, **unnamed),
        chart("2140-01-03 02:00:00", None),
        chart("2140-01-03 02:00:00", "ERROR"),
        chart("2140-01-03 02:00:00", "strange", item=184),
        chart("2140-01-03 02:00:00", 1, item=220),
    ]
    output, counts = convert(write_mimic3(tmp_path / "raw", chartevents=rows))
    assert events_of(output) == [
        (9000001, 0, "Heart rate", 60),
        (9000001, 24, "Heart rate", 61),
        (9000001, 25, "Heart rate", 67),
        (9000001, 72, "Heart rate", 62),
        (9000001, pytest.approx(95.9997, abs=1e-4), "Heart rate", 64),
        (9000001, 144, "Heart rate", 65),
        (9000002, 0, "Heart rate", 63),
    ]
    assert counts["CHARTEVENTS"]["dropped"] == {
        "marked as an error": {"Heart rate": 1},
        "without time": {"Heart rate": 2},
        "without admission": {"Heart rate": 1},
        "admission without ICU stay": {"Heart rate": 1},
        "inconsistent stay": {"Heart rate": 4},
        "empty": {"Heart rate": 1},
        "not a number": {"Heart rate": 1},
        "unknown word": {"GCS eye": 1},
        "before the stay": {"Heart rate": 2},
    }
    assert counts["CHARTEVENTS"]["recovered"] == {"Heart rate": 4}
    assert counts["CHARTEVENTS"]["kept"] == {"Heart rate": 7}
    assert counts["rows"]["CHARTEVENTS"] == {"read": 22, "of_channels": 21, "kept": 7}

    output, counts = convert(tmp_path / "raw", bound_at_outtime=True)
    assert [row[1] for row in events_of(output)] == [0, 24, 25, 0]
    assert counts["CHARTEVENTS"]["dropped"]["after the stay"] == {"Heart rate": 3}


def test_laboratory_values_and_repeats(tmp_path: Path) -> None:
    labs = [
        lab("2140-01-07 00:00:00", 100),
        lab("2140-01-07 00:00:00", 101),
        lab("2140-01-03 00:00:00", 102),
        lab("2140-01-03 00:00:00", "GREATER THAN 500", item=50809),
        lab("2141-03-02 00:00:00", 7.31, item=50820, **SECOND),
        lab("2140-01-03 00:00:00", 103, HADM_ID=None),
    ]
    rows = [chart("2140-01-03 00:00:00", 99, item=807)]
    output, counts = convert(write_mimic3(tmp_path / "raw", labevents=labs, chartevents=rows))
    # CHARTEVENTS comes before LABEVENTS, and the first of a file before the second.
    assert events_of(output) == [
        (9000001, 24, "Glucose", 99),
        (9000002, 24, "Glucose", 100),
        (9000003, 0, "pH", pytest.approx(7.31)),
    ]
    assert counts["events"] == {"read": 5, "of_other_stays": 0, "repeated": 2, "kept": 3}
    assert counts["LABEVENTS"]["dropped"] == {
        "not a number": {"Glucose": 1},
        "without admission": {"Glucose": 1},
    }
    assert "recovered" not in counts["LABEVENTS"]
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["rows"]["events.parquet"] == 3


def test_range_filter_and_repairs_are_counted(tmp_path: Path) -> None:
    rows = [
        chart("2140-01-02 01:00:00", 360),
        chart("2140-01-02 02:00:00", 391),
        chart("2140-01-02 03:00:00", "98.6", item=678),
        chart("2140-01-02 03:00:00", 50, item=223835),
        chart("2140-01-02 04:00:00", 10, item=223835),
    ]
    output, counts = convert(write_mimic3(tmp_path / "raw", chartevents=rows))
    assert [row[3] for row in events_of(output)] == pytest.approx([360, 391, 0.5, 37, 0.1])
    assert counts["CHARTEVENTS"]["clipped"] == {}
    output, counts = convert(tmp_path / "raw", range_filter=True)
    assert [row[3] for row in events_of(output)] == pytest.approx([350, 0.5, 37])
    assert counts["CHARTEVENTS"]["clipped"] == {"Heart rate": 1}
    assert counts["CHARTEVENTS"]["dropped"] == {"out of range": {"FiO2": 1, "Heart rate": 1}}
    assert counts["CHARTEVENTS"]["repaired"] == {
        "Fahrenheit to Celsius": {"Temperature": 1},
        "percent to fraction": {"FiO2": 1},
    }


NOTES = [
    note(
        31, "2140-01-02 00:00:00", "Pt [**Name (NI) 12**] seen.\n____\nHR 80, [**first\nline**]ok"
    ),
    note(30, "2140-01-04 00:00:00", 'said "no", and left'),
    note(30, "2140-01-04 00:00:00", "the same row again"),
    note(29, "2140-01-03 00:00:00", "shift", CATEGORY="Physician "),
    note(28, "2140-01-05 00:00:00", "between the stays"),
    note(27, "2141-03-03 12:00:00", "end", CATEGORY="Discharge summary", **SECOND),
    note(26, "2141-03-03 12:00:00", "end", CATEGORY="a name, for example", **SECOND),
    note(25, "2141-03-03 12:00:00", "in the stay of the other admission"),
    note(24, None, "dated only", CATEGORY="Discharge summary"),
    note(23, "2140-01-03 00:00:00", "wrong patient's", ISERROR=1),
    note(22, "2140-01-03 00:00:00", None),
    note(21, "2140-01-03 00:00:00", " [**Hospital1 18**] __ \n"),
    note(20, "2140-01-03 00:00:00", "outpatient", HADM_ID=None),
]


def test_notes(tmp_path: Path) -> None:
    output, counts = convert(write_mimic3(tmp_path / "raw", noteevents=NOTES))
    notes = pl.read_parquet(output / "notes.parquet")
    assert notes.schema == {
        "stay_id": pl.Int64,
        "patient_id": pl.Int64,
        "item_id": pl.String,
        "hours": pl.Float32,
        "text": pl.String,
    }
    assert notes.drop("patient_id").rows() == [
        (9000001, "31", 0, "Pt  seen.\n\nHR 80, ok"),
        (9000001, "29", 24, "shift"),
        (9000001, "30", 48, 'said "no", and left'),
        (9000003, "26", 36, "end"),
        (9000003, "27", 36, "end"),
    ]
    assert counts["notes"] == {
        "dropped": {
            "marked as an error": 1,
            "without patient or admission": 1,
            "without time": 1,
            "without text": 1,
            "outside every stay": 1,
            "in a stay of another admission": 1,
            "nothing but marks of de-identification": 1,
            "repeated": 1,
        },
        "category": {"Discharge summary": 1, "Nursing": 2, "Physician": 1, "other": 1},
    }
    assert counts["rows"]["NOTEEVENTS"] == {"read": 13, "kept": 5}
    assert counts["modules"] == {"core": True, "note": True}
    modalities = json.loads((output / "modalities.json").read_text())
    assert [entry["name"] for entry in modalities["stay"]] == ["vitals", "notes"]
    assert json.loads((output / "manifest.json").read_text())["rows"]["notes.parquet"] == 5


@pytest.mark.parametrize("without", [(), ("NOTEEVENTS",)])
def test_absent_notes_are_said_once(
    tmp_path: Path, without: Sequence[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_mimic3(tmp_path / "raw", without=without)
    with caplog.at_level(logging.INFO, logger="fleximodal.sources"):
        output, counts = convert(folder)
    assert sum("no notes" in message for message in caplog.messages) == 1
    assert counts["rows"]["NOTEEVENTS"] == {"read": 0, "kept": 0}
    assert "NOTEEVENTS.csv.gz" not in (output / "modalities.json").read_text()
    assert not (output / "notes.parquet").exists()


def test_diagnoses(tmp_path: Path) -> None:
    rows = [
        {**SECOND, "SEQ_NUM": 1, "ICD9_CODE": "4280"},
        {**FIRST, "SEQ_NUM": 2, "ICD9_CODE": "V5861"},
        {**FIRST, "SEQ_NUM": 1, "ICD9_CODE": "0389 "},
        {**FIRST, "SEQ_NUM": 3, "ICD9_CODE": "038.9"},
        {**FIRST, "SEQ_NUM": 4, "ICD9_CODE": None},
        {"SUBJECT_ID": 7000001, "HADM_ID": 8000009, "SEQ_NUM": 1, "ICD9_CODE": "4019"},
    ]
    output, counts = convert(write_mimic3(tmp_path / "raw", diagnoses_icd=rows))
    diagnoses = pl.read_parquet(output / "diagnoses.parquet")
    assert diagnoses.drop("patient_id").rows() == [
        (8000001, "0389", 9),
        (8000001, "V5861", 9),
        (8000002, "4280", 9),
    ]
    assert diagnoses.schema["version"] == pl.Int8
    assert counts["diagnoses"] == {"without_code": 1, "of_no_admission": 1, "repeated": 1}


def test_releases_are_told_by_their_stays() -> None:
    assert detect_release("mimic3", 61_532) == "MIMIC-III 1.4"
    assert detect_release("mimic3", 136) == "MIMIC-III demo 1.4"
    assert detect_release("mimic3", 137) == "unknown"
    assert detect_release("synthetic-mimic3", 136) == "generated"


def test_nothing_of_a_patient_in_counts_manifest_or_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [chart("2140-01-03 00:00:00", 61), chart("2140-01-03 02:00:00", 69, ICUSTAY_ID=9000003)]
    with caplog.at_level(logging.DEBUG, logger="fleximodal"):
        output, _ = convert(write_mimic3(tmp_path / "raw", chartevents=rows, noteevents=NOTES))
    texts = [path.read_text() for path in output.glob("*.json")] + caplog.messages
    for text in texts:
        assert not any(number in text for number in (*IDS, "2140-", "2141-", "a name"))
