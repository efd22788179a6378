"""A tiny hand-made MIMIC-IV: three patients, five admissions, four ICU stays, all modules."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleximodal.sources.mimic4.folders import Mimic4Folders

Row = Sequence[object]

HEADERS = {
    "hosp/patients": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod",
    "hosp/admissions": (
        "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,admit_provider_id,"
        "admission_location,discharge_location,insurance,language,marital_status,race,edregtime,"
        "edouttime,hospital_expire_flag"
    ),
    "hosp/diagnoses_icd": "subject_id,hadm_id,seq_num,icd_code,icd_version",
    "hosp/labevents": (
        "labevent_id,subject_id,hadm_id,specimen_id,itemid,order_provider_id,charttime,storetime,"
        "value,valuenum,valueuom,ref_range_lower,ref_range_upper,flag,priority,comments"
    ),
    "icu/icustays": ("subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime,los"),
    "icu/d_items": (
        "itemid,label,abbreviation,linksto,category,unitname,param_type,lownormalvalue,"
        "highnormalvalue"
    ),
    "icu/chartevents": (
        "subject_id,hadm_id,stay_id,caregiver_id,charttime,storetime,itemid,value,valuenum,"
        "valueuom,warning"
    ),
    "note/radiology": "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text",
    "note/discharge": "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text",
    "cxr/mimic-cxr-2.0.0-metadata": (
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,"
        "StudyDate,StudyTime,ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,"
        "PatientOrientationCodeSequence_CodeMeaning"
    ),
    "ecg/record_list": "subject_id,study_id,file_name,ecg_time,path",
}


def _admission(patient: int, admission: int, start: str, end: str, died: int = 0) -> Row:
    death = end if died else ""
    return (patient, admission, start, end, death, *[""] * 10, died)


def _chart(stay: int, time: str, item: int, value: object, text: str | None = None) -> Row:
    patient = 10000002 if stay == 30000004 else 10000001
    shown = value if text is None else text
    return (patient, 20000001, stay, "", time, "", item, shown, value, "", "")


def _lab(patient: int, admission: object, time: str, item: int, value: object) -> Row:
    return (1, patient, admission, 5, item, "", time, "", value, value, "", "", "", "", "", "a\n,b")


def _note(item: str, patient: int, admission: object, kind: str, time: str, text: str) -> Row:
    return (item, patient, admission, kind, 1, time, "", text)


def _image(item: str, patient: int, view: str, date: object, time: object) -> Row:
    return (item, patient, 50000001, "", view, 10, 10, date, time, "", "", "")


def _ecg(patient: int, study: int, time: str) -> Row:
    path = f"files/p{str(patient)[:4]}/p{patient}/s{study}/{study}"
    return (patient, study, study, time, path)


TABLES: Mapping[str, Sequence[Row]] = {
    "hosp/patients": [
        (10000002, "F", 70, 2149, "", "2150-05-04"),
        (10000001, "M", 60, 2150, "", ""),
        (10000003, "F", 91, 2150, "", "2151-01-01"),
    ],
    "hosp/admissions": [
        _admission(10000001, 20000002, "2151-03-01 00:00:00", "2151-03-09 00:00:00"),
        _admission(10000001, 20000001, "2150-01-01 00:00:00", "2150-01-10 00:00:00"),
        _admission(10000002, 20000003, "2150-05-01 00:00:00", "2150-05-04 00:00:00", 1),
        _admission(10000003, 20000004, "2150-06-01 00:00:00", "2150-06-02 00:00:00"),
        _admission(10000003, 20000005, "2150-07-01 00:00:00", "2150-07-05 00:00:00"),
    ],
    "hosp/diagnoses_icd": [
        (10000001, 20000001, 1, "0389 ", 9),
        (10000001, 20000001, 2, "0389", 9),
        (10000001, 20000001, 3, "I10", 10),
        (10000002, 20000003, 1, "41.401", 9),
        (10000002, 20000003, 2, "", 9),
    ],
    "icu/icustays": [
        # The second begins when the first ends.
        (10000001, 20000001, 30000002, "MICU", "SICU")
        + ("2150-01-04 12:00:00", "2150-01-06 00:00:00", 1.5),
        (10000001, 20000001, 30000001, "MICU", "MICU")
        + ("2150-01-02 00:00:00", "2150-01-04 12:00:00", 2.5),
        (10000001, 20000002, 30000003, "CCU", "CCU")
        + ("2151-03-01 06:00:00", "2151-03-03 06:00:00", 2.0),
        (10000002, 20000003, 30000004, "CCU", "CCU")
        + ("2150-05-01 00:00:00", "2150-05-03 00:00:00", 2.0),
    ],
    "icu/d_items": [
        (220045, "Heart Rate", "HR", "chartevents", "", "", "", "", ""),
        (229999, "Absolute Neutrophil Count", "ANC", "chartevents", "", "", "", "", ""),
    ],
    "icu/chartevents": [
        _chart(30000001, "2150-01-02 01:00:00", 220045, 80),
        _chart(30000001, "2150-01-02 01:00:00", 220045, 99),  # repeats time and item
        _chart(30000001, "2150-01-02 00:00:00", 220179, 120),
        _chart(30000001, "2150-01-01 23:59:59", 220045, 81),  # before the stay
        _chart(30000001, "2150-01-04 13:00:00", 220045, 82),  # after the stay
        _chart(30000001, "2150-01-02 02:00:00", 220045, ""),  # no number
        _chart(30000001, "2150-01-02 03:00:00", 220045, 391),  # beyond the outlier bound
        _chart(30000001, "2150-01-02 04:00:00", 220045, 360),  # clipped to 350
        _chart(30000001, "2150-01-02 05:00:00", 220181, 3),  # clipped to 14
        _chart(30000001, "2150-01-02 06:00:00", 220045, "inf"),
        _chart(30000001, "2150-01-02 07:00:00", 220045, "NaN"),
        _chart(30000001, "", 220045, 83),  # no time
        _chart(39999999, "2150-01-02 01:00:00", 220045, 84),  # unknown stay
        _chart(30000001, "2150-01-02 01:00:00", 229999, 7.5),  # only in the list "authors"
        _chart(30000001, "2150-01-02 01:00:00", 224000, "", 'one "two"\nthree, four'),
        _chart(30000004, "2150-05-02 00:00:00", 220045, 60),
        _chart(30000003, "2151-03-01 07:00:00", 220045, 70),
        _chart(30000003, "2151-03-01 08:00:00", 220045, 76),
    ],
    "hosp/labevents": [
        _lab(10000001, "", "2150-01-04 12:00:00", 50971, 4.5),  # where two stays touch
        _lab(10000001, 20000001, "2150-01-03 00:00:00", 50971, 4.1),
        _lab(10000001, 20000001, "2150-01-03 00:00:00", 50971, 4.9),  # repeats
        _lab(10000001, 20000002, "2150-01-03 01:00:00", 50971, 5.0),  # names another admission
        _lab(10000001, 20000001, "2150-01-01 00:00:00", 50971, 3.0),  # before every stay
        _lab(10000001, 20000001, "2150-01-03 02:00:00", 50971, 16),  # beyond the outlier bound
        _lab(10000001, 20000001, "2150-01-03 02:00:00", 50868, 3),  # clipped to 5
        _lab(10000001, 20000001, "2150-01-03 02:00:00", 51256, -1),  # no range: only below 0
        _lab(10000001, 20000001, "2150-01-03 03:00:00", 50971, ""),
        _lab(10000001, 20000002, "2151-03-02 00:00:00", 50971, 4.0),
        _lab(10000001, 20000002, "2151-03-05 00:00:00", 50971, 6.0),  # after the ICU
        _lab(10000001, "", "2151-03-04 00:00:00", 50931, 100),  # by time, glucose
        _lab(10000003, 20000004, "2150-06-01 01:00:00", 50971, 9.0),  # not the last admission
        _lab(10000003, 20000005, "2150-07-02 00:00:00", 50983, 140),
        _lab(10000003, 20000005, "2150-07-01 00:00:00", 50983, 130),
        _lab(10000003, 20000005, "2150-07-03 00:00:00", 99999, 1),
    ],
    "note/radiology": [
        _note("1-RR-2", 10000001, "", "RR", "2150-01-02 12:00:00", 'Chest: "clear",\nno change\n'),
        _note("1-RR-1", 10000001, "", "RR", "2150-01-04 12:00:00", "nul\0byte"),
        _note("1-AR-3", 10000001, "", "AR", "2150-01-02 12:00:00", "addendum"),
        _note("1-RR-4", 10000001, "", "RR", "2150-01-07 12:00:00", "outside"),
        _note("1-RR-5", 10000001, "", "RR", "", "no time"),
        _note("1-RR-6", 10000001, "", "RR", "2150-01-02 12:00:00", " \0"),
        _note("3-RR-1", 10000003, "", "RR", "2150-01-02 12:00:00", "never in the ICU"),
        _note("1-RR-2", 10000001, "", "RR", "2150-01-02 12:00:00", 'Chest: "clear",\nno change\n'),
    ],
    "note/discharge": [
        _note("1-DS-1", 10000001, 20000001, "DS", "2150-01-10 00:00:00", "first"),
        _note("1-DS-2", 10000001, 20000002, "DS", "2151-03-09 00:00:00", "last\nof two"),
        _note("1-AD-2", 10000001, 20000002, "AD", "2151-03-09 00:00:00", "addendum"),
        _note("2-DS-1", 10000002, 20000003, "DS", "2150-05-04 00:00:00", "only admission"),
    ],
    "cxr/mimic-cxr-2.0.0-metadata": [
        _image("b-1", 10000001, "PA", 21500102, 74112.5),
        _image("a-1", 10000001, "", 21500102, "5.0"),
        _image("c-1", 10000001, "AP", 21500102, 126000.0),  # 60 minutes
        _image("d-1", 10000001, "AP", 21501302, 120000.0),  # month 13
        _image("e-1", 10000001, "AP", "", 120000.0),
        _image("f-1", 10000003, "AP", 21500102, 120000.0),
        _image("g-1", 10000001, "AP", 21600102, 120000.0),
    ],
    "ecg/record_list": [
        _ecg(10000002, 40000002, "2150-05-01 12:00:00"),
        _ecg(10000001, 40000001, "2150-01-05 00:00:00"),
        _ecg(10000003, 40000003, "2150-01-05 00:00:00"),
    ],
}


def table_text(name: str, rows: Sequence[Row], line_end: str = "\n") -> str:
    """Return a table as text; only fields that need it are quoted."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=line_end).writerows([HEADERS[name].split(","), *rows])
    return buffer.getvalue()


def write_table(root: Path, name: str, content: str | bytes, *, compressed: bool = True) -> Path:
    """Write one table below `root`."""
    data = content.encode() if isinstance(content, str) else content
    path = root / (f"{name}.csv.gz" if compressed else f"{name}.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if compressed else data)
    return path


def write_small(
    root: Path,
    *,
    without: Sequence[str] = (),
    compressed: bool = True,
    **tables: Sequence[Row],
) -> Mimic4Folders:
    """Write all modules but those in `without`; `tables` replaces rows by the table's last name."""
    for name, rows in TABLES.items():
        if name.split("/")[0] in without or name in without:
            continue
        rows = tables.get(name.split("/")[1], rows)
        write_table(root, name, table_text(name, rows), compressed=compressed)
    return Mimic4Folders(
        root,
        None if "note" in without else root,
        None if "cxr" in without else root / "cxr",
        None if "ecg" in without else root / "ecg",
    )
