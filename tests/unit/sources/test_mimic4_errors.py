"""Bad releases: one sentence each, no id in it, and nothing half written."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic4 import release
from fleximodal.sources.mimic4.canonical import write_canonical
from fleximodal.sources.mimic4.folders import Mimic4Folders
from tests.unit.sources.small_mimic4 import TABLES, table_text, write_small, write_table


def _error(folders: Mimic4Folders, output: Path, *, channels: str = "paper") -> str:
    with pytest.raises(FleximodalError) as caught:
        write_canonical(
            folders,
            output,
            source="mimic4",
            channels=channels,
            range_filter=True,
            bound_at_outtime=True,
        )
    assert not output.exists()
    assert not list(output.parent.glob(".*"))
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message
    # No id, time or value of a row.
    assert not re.search(r"\d{8}|2150|secret", message.replace(str(output.parent), ""))
    return message


def _rows(name: str) -> list[list[object]]:
    return [list(row) for row in TABLES[name]]


def _set(name: str, row: int, column: int, value: object) -> list[list[object]]:
    rows = _rows(name)
    rows[row][column] = value
    return rows


@pytest.mark.parametrize(
    ("table", "rows", "expected"),
    [
        (
            "icu/icustays",
            _set("icu/icustays", 1, 6, "2150-01-01 00:00:00"),
            "icustays.csv.gz, line 3 is a stay that ends before it begins",
        ),
        (
            "icu/icustays",
            _set("icu/icustays", 2, 2, 30000001),
            "icustays.csv.gz, line 4 repeats the stay_id of an earlier line",
        ),
        ("icu/icustays", _set("icu/icustays", 0, 2, ""), "icustays.csv.gz, line 2 has no stay_id"),
        ("icu/icustays", _set("icu/icustays", 0, 0, ""), "line 2 has no patient_id"),
        (
            "icu/icustays",
            _set("icu/icustays", 0, 1, 20000009),
            "line 2 has an admission_id that admissions.csv.gz lacks",
        ),
        (
            "icu/icustays",
            _set("icu/icustays", 3, 1, 20000001),
            "line 5 has an admission of another",
        ),
        (
            "icu/icustays",
            _set("icu/icustays", 0, 5, "2150-secret"),
            "column intime, row 1 below the header: a field is not a time stamp",
        ),
        (
            "hosp/admissions",
            _set("hosp/admissions", 4, 1, 20000001),
            "admissions.csv.gz, line 6 repeats the hadm_id",
        ),
        (
            "hosp/admissions",
            _set("hosp/admissions", 4, 15, 2),
            "admissions.csv.gz, line 6 has a hospital_expire_flag that is not 0 or 1",
        ),
        ("hosp/admissions", _set("hosp/admissions", 4, 2, ""), "line 6 has no admittime"),
        (
            "hosp/admissions",
            _set("hosp/admissions", 4, 0, 10000009),
            "line 6 has a subject_id that patients.csv.gz lacks",
        ),
        ("hosp/patients", _set("hosp/patients", 1, 0, 10000002), "line 3 repeats the subject_id"),
        (
            "hosp/patients",
            _set("hosp/patients", 0, 5, "2150-05-32"),
            "column dod, row 1 below the header: a field is not a date",
        ),
        (
            "hosp/diagnoses_icd",
            _set("hosp/diagnoses_icd", 2, 4, 11),
            "diagnoses_icd.csv.gz, row 3 below the header has an icd_version",
        ),
        (
            "icu/chartevents",
            _set("icu/chartevents", 4, 8, "secret"),
            "chartevents.csv.gz, column valuenum, row 5 below the header: a field is not a number",
        ),
        (
            "hosp/labevents",
            _set("hosp/labevents", 3, 6, "2150-secret"),
            "labevents.csv.gz, column charttime, row 4 below the header: a field is not a time",
        ),
        (
            "note/radiology",
            _set("note/radiology", 7, 7, "secret text"),
            "radiology.csv.gz, rows 1 and 8 below the header bear the same note_id but differ",
        ),
        (
            "ecg/record_list",
            _set("ecg/record_list", 2, 1, 40000001),
            "record_list.csv.gz, rows 2 and 3 below the header bear the same study_id",
        ),
        (
            "cxr/mimic-cxr-2.0.0-metadata",
            _set("cxr/mimic-cxr-2.0.0-metadata", 1, 8, "secret"),
            "column StudyTime, row 2 below the header: a field is not a number",
        ),
    ],
)
def test_a_wrong_row_is_named(
    tmp_path: Path, table: str, rows: list[list[object]], expected: str
) -> None:
    folders = write_small(tmp_path / "raw", **{table.split("/")[1]: rows})
    assert expected in _error(folders, tmp_path / "out")


def _truncate(root: Path, name: str) -> None:
    path = root / f"{name}.csv.gz"
    path.write_bytes(path.read_bytes()[:-9])


def _rename_column(root: Path, name: str) -> None:
    text = table_text(name, TABLES[name])
    write_table(root, name, text.replace(_required(name), "renamed", 1))


def _required(name: str) -> str:
    return {"icu/chartevents": "stay_id", "icu/d_items": "itemid"}.get(name, "subject_id")


def _shift_header(root: Path, name: str) -> None:
    text = table_text(name, TABLES[name])
    write_table(root, name, text.partition(",")[2])


@pytest.mark.parametrize("name", list(TABLES))
@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (_truncate, "truncated or damaged"),
        (_rename_column, "lacks the column {column}"),
        (_shift_header, "names in its header but a row with"),
    ],
)
def test_a_damaged_table_is_named(
    tmp_path: Path, name: str, harm: Callable[[Path, str], None], expected: str
) -> None:
    folders = write_small(tmp_path / "raw")
    harm(tmp_path / "raw", name)
    message = _error(folders, tmp_path / "out", channels="authors")
    assert f"{name.split('/')[1]}.csv.gz" in message
    assert expected.format(column=_required(name)) in message


def test_mark_and_line_ends_of_windows_are_accepted(tmp_path: Path) -> None:
    folders = write_small(tmp_path / "raw")
    for name, rows in TABLES.items():
        text = table_text(name, rows, line_end="\r\n")
        write_table(tmp_path / "raw", name, "\ufeff" + text)
    for output, root in ((tmp_path / "a", tmp_path / "raw"), (tmp_path / "b", tmp_path / "unix")):
        write_canonical(
            folders if root.name == "raw" else write_small(root),
            output,
            source="mimic4",
            range_filter=True,
            bound_at_outtime=False,
        )
    for path in (tmp_path / "b").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()


@pytest.mark.parametrize(
    "name", ["hosp/admissions", "icu/icustays", "icu/chartevents", "hosp/labevents"]
)
def test_an_absent_table_is_named(tmp_path: Path, name: str) -> None:
    folders = write_small(tmp_path / "raw", without=[name])
    assert f"holds neither {name.split('/')[1]}.csv.gz" in _error(folders, tmp_path / "out")


def test_absent_folders_are_named(tmp_path: Path) -> None:
    root = write_small(tmp_path / "raw").core
    output = tmp_path / "out"
    assert "does not exist" in _error(Mimic4Folders(tmp_path / "none"), output)
    for module in ("note", "cxr", "ecg"):
        folders = Mimic4Folders(root, **{module: tmp_path / "none"})
        assert "does not exist" in _error(folders, output)


def test_an_unknown_list_of_channels(tmp_path: Path) -> None:
    message = _error(write_small(tmp_path / "raw"), tmp_path / "out", channels="papers")
    assert "'papers' does not exist; choose one of paper, authors, haim" in message


def test_a_release_of_other_than_the_published_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {name: len(rows) for name, rows in TABLES.items() if name.startswith(("hosp", "icu"))}
    monkeypatch.setattr(release, "PUBLISHED_ROWS", {"MIMIC-IV 0.1": rows})
    folders = write_small(tmp_path / "raw")
    write_canonical(
        folders, tmp_path / "good", source="mimic4", range_filter=True, bound_at_outtime=True
    )
    assert '"release": "MIMIC-IV 0.1"' in (tmp_path / "good" / "counts.json").read_text()
    path = write_table(
        tmp_path / "raw",
        "icu/chartevents",
        table_text("icu/chartevents", TABLES["icu/chartevents"][:-1]),
    )
    assert gzip.decompress(path.read_bytes())
    message = _error(folders, tmp_path / "out")
    assert "icu/chartevents has 17 rows, but MIMIC-IV 0.1 has 18" in message
    # What was generated is not compared.
    write_canonical(
        folders,
        tmp_path / "generated",
        source="synthetic-mimic4",
        range_filter=True,
        bound_at_outtime=True,
    )


@pytest.mark.parametrize(
    ("stays", "expected"), [(73_181, "MIMIC-IV 2.2"), (94_458, "MIMIC-IV 3.1")]
)
def test_releases_are_told_by_their_stays(stays: int, expected: str) -> None:
    assert release.detect_release(stays) == expected
    assert release.detect_release(stays - 1) == "unknown"
