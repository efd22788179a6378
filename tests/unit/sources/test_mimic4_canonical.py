"""A hand-made MIMIC-IV to canonical tables, compared row by row with what must come out."""

import json
import logging
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleximodal.sources.mimic4.canonical import write_canonical
from fleximodal.sources.mimic4.images import study_time
from tests.unit.sources.small_mimic4 import TABLES, write_small


def _write(root: Path, output: Path, **options: Any) -> Path:
    settings: dict[str, Any] = {
        "source": "mimic4",
        "channels": "paper",
        "range_filter": True,
        "bound_at_outtime": True,
    }
    small = {name: options.pop(name) for name in ("without", "compressed") if name in options}
    write_canonical(write_small(root, **small), output, **{**settings, **options})
    return output


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strict")
    return _write(folder / "raw", folder / "canonical")


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loose")
    return _write(
        folder / "raw",
        folder / "canonical",
        channels="authors",
        range_filter=False,
        bound_at_outtime=False,
    )


def _rows(folder: Path, table: str) -> list[tuple[Any, ...]]:
    return pl.read_parquet(folder / f"{table}.parquet").rows()


def _counts(folder: Path) -> dict[str, Any]:
    counts: dict[str, Any] = json.loads((folder / "counts.json").read_text())
    return counts


def test_stays(strict: Path) -> None:
    stays = pl.read_parquet(strict / "stays.parquet")
    assert stays.columns == [
        "stay_id",
        "patient_id",
        "admission_id",
        "intime",
        "outtime",
        "los_days",
        "in_hospital_death",
        "age",
        "transferred",
        "stays_in_admission",
    ]
    assert stays.drop("intime", "outtime").rows() == [
        (30000001, 10000001, 20000001, 2.5, 0, 60.0, False, 2),
        (30000002, 10000001, 20000001, 1.5, 0, 60.0, True, 2),
        (30000003, 10000001, 20000002, 2.0, 0, 61.0, False, 1),
        (30000004, 10000002, 20000003, 2.0, 1, 71.0, False, 1),
    ]
    assert stays["intime"][0] == datetime(2150, 1, 2)
    kinds = [pl.Int64] * 3 + [pl.Datetime("us")] * 2
    kinds += [pl.Float64, pl.Int8, pl.Float32, pl.Boolean, pl.Int32]
    assert stays.dtypes == kinds


def test_events_filtered_and_bounded(strict: Path) -> None:
    assert _rows(strict, "events") == [
        (30000001, 0.0, "Systolic BP", 120.0),
        (30000001, 1.0, "Heart rate", 80.0),
        (30000001, 4.0, "Heart rate", 350.0),
        (30000001, 5.0, "Mean BP", 14.0),
        (30000001, 24.0, "Potassium", pl.Series([4.1], dtype=pl.Float32)[0]),
        (30000001, 26.0, "Anion gap", 5.0),
        (30000002, 0.0, "Potassium", 4.5),
        (30000003, 1.0, "Heart rate", 70.0),
        (30000003, 2.0, "Heart rate", 76.0),
        (30000003, 18.0, "Potassium", 4.0),
        (30000004, 24.0, "Heart rate", 60.0),
    ]
    counts = _counts(strict)
    assert counts["chartevents"] == {
        "wanted": 16,
        "kept": 8,
        "dropped": {
            "after_outtime": 1,
            "before_intime": 1,
            "not_finite": 2,
            "of_no_stay": 1,
            "out_of_range": 1,
            "without_time": 1,
            "without_value": 1,
        },
        "kept_after_outtime": 0,
        "out_of_range": {"Heart rate": 1},
        "clipped": {"Heart rate": 1, "Mean BP": 1},
    }
    assert counts["labevents"] == {
        "wanted": 14,
        "kept": 5,
        "dropped": {
            "of_no_stay": 5,
            "of_other_admission": 1,
            "out_of_range": 2,
            "without_value": 1,
        },
        "in_several_stays": 1,
        "out_of_range": {"Neutrophils": 1, "Potassium": 1},
        "clipped": {"Anion gap": 1},
    }
    assert counts["events"] == {"read": 13, "of_other_stays": 0, "repeated": 2, "kept": 11}
    assert counts["rows"]["icu/chartevents"] == {"read": 18, "kept": 8}
    assert counts["rows"]["hosp/labevents"] == {"read": 16, "kept": 5}


def test_events_as_the_authors_have_them(loose: Path) -> None:
    events = pl.read_parquet(loose / "events.parquet")
    of_first = events.filter(pl.col("stay_id") == 30000001).drop("stay_id").rows()
    assert of_first == [
        (0.0, "Systolic BP", 120.0),
        # Found by its label in d_items, under another item than the known one.
        (1.0, "Absolute neutrophil count", 7.5),
        (1.0, "Heart rate", 80.0),
        (3.0, "Heart rate", 391.0),
        (4.0, "Heart rate", 360.0),
        (5.0, "Mean BP", 3.0),
        (61.0, "Heart rate", 82.0),
    ]
    counts = _counts(loose)
    assert counts["chartevents"]["kept_after_outtime"] == 1
    assert counts["labevents"]["wanted"] == 0


def test_without_labels_the_known_item_is_used(tmp_path: Path) -> None:
    output = _write(tmp_path / "raw", tmp_path / "out", channels="authors", without=["icu/d_items"])
    names = set(pl.read_parquet(output / "events.parquet")["channel"])
    assert names == {"Heart rate", "Systolic BP", "Mean BP"}


def test_notes(strict: Path) -> None:
    text = 'Chest: "clear",\nno change\n'
    assert _rows(strict, "notes") == [
        (30000001, 10000001, "1-AR-3", 12.0, "addendum"),
        (30000001, 10000001, "1-RR-2", 12.0, text),
        (30000002, 10000001, "1-RR-1", 0.0, "nulbyte"),
    ]
    assert _counts(strict)["notes"] == {
        "read": 8,
        "dropped": {"without_id": 0, "without_time": 1, "without_text": 1},
        "in_no_stay": 2,
        "kept": 4,
        "in_several_stays": 1,
        "with_nul": 1,
        "repeated": 1,
    }


def test_discharge_notes_of_last_admissions(strict: Path) -> None:
    assert _rows(strict, "discharge_notes") == [(20000002, 10000001, "1-DS-2", 0.0, "last\nof two")]
    counts = _counts(strict)["discharge_notes"]
    assert counts["read"] == 4 and counts["of_other_admissions"] == 2
    assert counts["dropped"]["addenda"] == 1


def test_images(strict: Path) -> None:
    folder = "files/p10/p10000001/s50000001"
    assert _rows(strict, "images") == [
        (30000001, 10000001, "a-1", pytest.approx(5 / 3600), f"{folder}/a-1.jpg", None),
        (30000001, 10000001, "b-1", pytest.approx(7 + 41 / 60 + 12.5 / 3600), f"{folder}/b-1.jpg")
        + ("PA",),
    ]
    counts = _counts(strict)["images"]
    assert counts["dropped"] == {"without_id": 0, "without_time": 1, "bad_time": 2}
    assert counts["in_no_stay"] == 2


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        (20800301, 213014.531, datetime(2080, 3, 1, 21, 30, 14, 531000)),
        (20800301, 74112.5, datetime(2080, 3, 1, 7, 41, 12, 500000)),
        (20800301, 5.0, datetime(2080, 3, 1, 0, 0, 5)),
        (20800301, 0.0, datetime(2080, 3, 1)),
        (20800301, 235959.999, datetime(2080, 3, 1, 23, 59, 59, 999000)),
        (20800229, 120000.0, datetime(2080, 2, 29, 12)),
        (20810229, 120000.0, None),
        (20800301, 240000.0, None),
        (20800301, 126000.0, None),
        (20800301, 120060.0, None),
        (20800301, -1.0, None),
        (20800301, float("nan"), None),
        (20800301, float("inf"), None),
        (0, 120000.0, None),
        (None, 120000.0, None),
    ],
)
def test_study_time(day: int | None, time: float, expected: datetime | None) -> None:
    table = pl.DataFrame({"d": [day], "t": [time]}, schema={"d": pl.Int64, "t": pl.Float64})
    assert table.select(study_time("d", "t")).item() == expected


def test_ecgs(strict: Path) -> None:
    def path(patient: int, study: int) -> str:
        return f"files/p1000/p{patient}/s{study}/{study}"

    first, second = path(10000001, 40000001), path(10000002, 40000002)
    assert _rows(strict, "ecgs") == [
        (30000002, 10000001, "40000001", 12.0, first),
        (30000004, 10000002, "40000002", 12.0, second),
    ]
    assert _rows(strict, "ecg_records") == [
        (10000001, "40000001", first),
        (10000002, "40000002", second),
        (10000003, "40000003", path(10000003, 40000003)),
    ]


def test_diagnoses_and_admissions(strict: Path) -> None:
    assert _rows(strict, "diagnoses") == [
        (10000001, 20000001, "0389", 9),
        (10000001, 20000001, "I10", 10),
        (10000002, 20000003, "41401", 9),
    ]
    admissions = pl.read_parquet(strict / "admissions.parquet")
    assert admissions.drop("admittime", "dischtime").rows() == [
        (10000001, 20000001, 0, None, 60.0),
        (10000001, 20000002, 0, None, 61.0),
        (10000002, 20000003, 1, date(2150, 5, 4), 71.0),
        (10000003, 20000004, 0, date(2151, 1, 1), 91.0),
        (10000003, 20000005, 0, date(2151, 1, 1), 91.0),
    ]
    assert admissions.schema["in_hospital_death"] == pl.Int8
    assert admissions.schema["age"] == pl.Float32


def test_admission_labs(strict: Path) -> None:
    table = pl.read_parquet(strict / "admission_labs.parquet")
    assert table.width == 2 + 4 * (22 + 9)
    assert set(table.dtypes[2:]) == {pl.Float32}
    measured = {
        row["stay_id"]: {name: value for name, value in row.items() if value is not None}
        for row in table.drop("patient_id").iter_rows(named=True)
    }
    kinds = ("last", "mean", "min", "max")
    assert measured == {
        20000002: {"stay_id": 20000002}
        | {f"Potassium_{kind}": value for kind, value in zip(kinds, (6, 5, 4, 6), strict=True)}
        | {f"Glucose_{kind}": 100.0 for kind in kinds}
        | {f"Heart rate_{k}": v for k, v in zip(kinds, (76, 73, 70, 76), strict=True)},
        20000005: {"stay_id": 20000005}
        | {f"Sodium_{kind}": v for kind, v in zip(kinds, (140, 135, 130, 140), strict=True)},
    }


def test_modalities_and_manifest(strict: Path) -> None:
    modalities = json.loads((strict / "modalities.json").read_text())
    names = {unit: [entry["name"] for entry in entries] for unit, entries in modalities.items()}
    assert names == {
        "stay": ["vitals", "notes", "cxr", "ecg"],
        "admission": ["labs", "notes", "codes"],
    }
    encoded = {
        entry["table"]: entry.get("encoded") for unit in modalities.values() for entry in unit
    }
    assert encoded == {
        "events.parquet": None,
        "notes.parquet": "notes",
        "images.parquet": "cxr",
        "ecgs.parquet": "ecg",
        "admission_labs.parquet": None,
        "discharge_notes.parquet": "discharge",
        "diagnoses.parquet": "codes",
    }
    assert all((strict / table).is_file() for table in encoded)
    assert len(modalities["stay"][0]["channels"]) == 30
    manifest = json.loads((strict / "manifest.json").read_text())
    assert manifest["rows"]["events.parquet"] == 11
    assert "chartevents.csv.gz" in manifest["inputs"]
    assert _counts(strict)["release"] == "unknown"
    assert sorted(path.name for path in strict.iterdir() if path.suffix != ".parquet") == [
        "counts.json",
        "manifest.json",
        "modalities.json",
    ]


def test_absent_modules_are_said_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="fleximodal"):
        output = _write(tmp_path / "raw", tmp_path / "out", without=["note", "cxr", "ecg"])
    tables = {path.stem for path in output.glob("*.parquet")}
    assert tables == {"stays", "admissions", "events", "admission_labs", "diagnoses"}
    modalities = json.loads((output / "modalities.json").read_text())
    assert [entry["name"] for entry in modalities["stay"]] == ["vitals"]
    assert [entry["name"] for entry in modalities["admission"]] == ["labs", "codes"]
    assert _counts(output)["modules"] == {"core": True, "note": False, "cxr": False, "ecg": False}
    for table in ("note/radiology", "note/discharge", "cxr/metadata", "ecg/record_list"):
        assert sum(f"{table} is absent" in message for message in caplog.messages) == 1


def test_logs_hold_no_ids_nor_times(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="fleximodal"):
        output = _write(tmp_path / "raw", tmp_path / "out")
    reports = [(output / f"{name}.json").read_text() for name in ("counts", "manifest")]
    for text in [*caplog.messages, *reports]:
        for secret in ("10000", "20000", "30000", "40000", "50000", "2150-", "files/p"):
            assert secret not in text.replace("sha256", "")
        assert "1-RR" not in text


def test_plain_csv_files_and_notes_beside_the_folder_give_the_same(
    tmp_path: Path, strict: Path
) -> None:
    output = _write(tmp_path / "raw", tmp_path / "out", compressed=False)
    for table in ("events", "notes", "images", "ecgs", "admission_labs", "stays"):
        assert (output / f"{table}.parquet").read_bytes() == (
            strict / f"{table}.parquet"
        ).read_bytes()


def test_a_generated_hospital_says_so(tmp_path: Path) -> None:
    output = _write(tmp_path / "raw", tmp_path / "out", source="synthetic-mimic4")
    assert _counts(output)["release"] == "generated"


def test_a_stay_without_outtime_is_left_out_and_counted(tmp_path: Path) -> None:
    stays = [list(row) for row in TABLES["icu/icustays"]]
    stays[2][6:] = ["", ""]
    write_canonical(
        write_small(tmp_path / "raw", icustays=stays),
        tmp_path / "out",
        source="mimic4",
        range_filter=True,
        bound_at_outtime=True,
    )
    counts = _counts(tmp_path / "out")
    assert counts["stays"]["without_outtime"] == 1
    assert counts["chartevents"]["dropped"]["of_no_stay"] == 3
    kept = pl.read_parquet(tmp_path / "out" / "stays.parquet")
    assert 30000003 not in kept["stay_id"] and kept.height == 3
