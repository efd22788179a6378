"""Writer of small made-up folders in the layout of MIMIC-III."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fleximodal.sources.mimic3.canonical import write_canonical

Row = Mapping[str, object]

HEADERS = {
    "PATIENTS": "SUBJECT_ID GENDER DOB DOD DOD_HOSP DOD_SSN EXPIRE_FLAG",
    "ADMISSIONS": "SUBJECT_ID HADM_ID ADMITTIME DISCHTIME DEATHTIME HOSPITAL_EXPIRE_FLAG",
    "ICUSTAYS": (
        "SUBJECT_ID HADM_ID ICUSTAY_ID DBSOURCE FIRST_CAREUNIT LAST_CAREUNIT FIRST_WARDID "
        "LAST_WARDID INTIME OUTTIME LOS"
    ),
    "DIAGNOSES_ICD": "SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE",
    "CHARTEVENTS": (
        "SUBJECT_ID HADM_ID ICUSTAY_ID ITEMID CHARTTIME STORETIME CGID VALUE VALUENUM VALUEUOM "
        "WARNING ERROR RESULTSTATUS STOPPED"
    ),
    "LABEVENTS": "SUBJECT_ID HADM_ID ITEMID CHARTTIME VALUE VALUENUM VALUEUOM FLAG",
    "NOTEEVENTS": (
        "SUBJECT_ID HADM_ID CHARTDATE CHARTTIME STORETIME CATEGORY DESCRIPTION CGID ISERROR TEXT"
    ),
}

PATIENT = {"SUBJECT_ID": 7000001, "DOB": "2080-01-01 00:00:00"}
# One admission with two stays, then one with a single stay that the patient did not survive.
FIRST = {"SUBJECT_ID": 7000001, "HADM_ID": 8000001}
SECOND = {"SUBJECT_ID": 7000001, "HADM_ID": 8000002}
ADMISSIONS = (
    {
        **FIRST,
        "ADMITTIME": "2140-01-01 00:00:00",
        "DISCHTIME": "2140-01-20 00:00:00",
        "HOSPITAL_EXPIRE_FLAG": 0,
    },
    {
        **SECOND,
        "ADMITTIME": "2141-03-01 00:00:00",
        "DISCHTIME": "2141-03-09 12:00:00",
        "DEATHTIME": "2141-03-09 12:00:00",
        "HOSPITAL_EXPIRE_FLAG": 1,
    },
)
_UNIT = {"FIRST_CAREUNIT": "MICU", "LAST_CAREUNIT": "MICU", "FIRST_WARDID": 50, "LAST_WARDID": 50}
STAYS = (
    {
        **FIRST,
        **_UNIT,
        "ICUSTAY_ID": 9000001,
        "INTIME": "2140-01-02 00:00:00",
        "OUTTIME": "2140-01-04 00:00:00",
        "LOS": 2,
    },
    {
        **FIRST,
        **_UNIT,
        "ICUSTAY_ID": 9000002,
        "LAST_WARDID": 52,
        "INTIME": "2140-01-06 00:00:00",
        "OUTTIME": "2140-01-09 12:00:00",
        "LOS": 3.5,
    },
    {
        **SECOND,
        **_UNIT,
        "ICUSTAY_ID": 9000003,
        "INTIME": "2141-03-02 00:00:00",
        "OUTTIME": "2141-03-03 12:00:00",
        "LOS": 1.5,
    },
)
IDS = ("7000001", "8000001", "8000002", "9000001", "9000002", "9000003")


def chart(time: str | None, value: object, item: int = 211, **other: Any) -> dict[str, object]:
    """Return a row of CHARTEVENTS, by default a heart rate of the first stay."""
    named = {**FIRST, "ICUSTAY_ID": 9000001, "ITEMID": item, "CHARTTIME": time, "VALUE": value}
    return {**named, **other}


def lab(time: str | None, value: object, item: int = 50931, **other: Any) -> dict[str, object]:
    """Return a row of LABEVENTS, by default glucose in the first admission."""
    return {**FIRST, "ITEMID": item, "CHARTTIME": time, "VALUE": value, **other}


def note(row: int, time: str | None, text: str | None, **other: Any) -> dict[str, object]:
    """Return a row of NOTEEVENTS, by default a nurse's in the first admission."""
    named = {"ROW_ID": row, "CHARTTIME": time, "TEXT": text, "CATEGORY": "Nursing"}
    return {**FIRST, **named, **other}


def table_text(name: str, rows: Sequence[Row]) -> str:
    """Return a table as text: header and text quoted as in the release, numbers and times bare."""
    columns = ["ROW_ID", *HEADERS[name].split()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    text.write(",".join(f'"{column}"' for column in columns) + "\n")
    for number, row in enumerate(rows, start=1):
        unknown = set(row) - set(columns)
        assert not unknown, unknown
        writer.writerow([{"ROW_ID": number, **row}.get(column) for column in columns])
    return text.getvalue()


def write_mimic3(
    folder: Path, *, plain: bool = False, without: Sequence[str] = (), **tables: Any
) -> Path:
    """Write the tables named by their lower-case names, the others with the rows above.

    `plain` writes `.csv` with lower-case names and headers, as the published demo has them;
    `without` names tables that are not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    default: dict[str, Sequence[Row]] = {
        "PATIENTS": [PATIENT],
        "ADMISSIONS": ADMISSIONS,
        "ICUSTAYS": STAYS,
        "DIAGNOSES_ICD": [],
        "CHARTEVENTS": [],
        "LABEVENTS": [],
        "NOTEEVENTS": [],
    }
    rows = {**default, **{name.upper(): given for name, given in tables.items()}}
    for name in sorted(set(rows) - set(without)):
        text = table_text(name, rows[name])
        if plain:
            header, _, body = text.partition("\n")
            (folder / f"{name}.csv").write_text(f"{header.lower()}\n{body}")
        else:
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return folder


def convert(
    folder: Path, *, range_filter: bool = False, bound_at_outtime: bool = False
) -> tuple[Path, dict[str, Any]]:
    output = folder.parent / "canonical"
    write_canonical(
        folder,
        output,
        source="mimic3",
        range_filter=range_filter,
        bound_at_outtime=bound_at_outtime,
    )
    return output, json.loads((output / "counts.json").read_text())
