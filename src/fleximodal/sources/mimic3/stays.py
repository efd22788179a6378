"""ICU stays, admissions and diagnoses: the small tables, each read whole."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleximodal.sources.mimic.check import check_known, check_stays, check_unique, refuse_rows
from fleximodal.sources.mimic.tables import collect, scan_table
from fleximodal.sources.mimic3.release import Columns, required_table

TIME = pl.Datetime("us")
ICD9 = 9

_DAYS_PER_YEAR = 365.25
_SECONDS_PER_DAY = 86_400
# Ages over 89 are hidden: the date of birth is moved to some 300 years before the admission.
_OLDEST = 89
_AGE_OF_THE_OLDEST = 90


@dataclass(frozen=True)
class Diagnoses:
    """The canonical table, what was left out, the file, and its number of rows."""

    frame: pl.DataFrame
    counts: dict[str, int]
    path: Path
    rows: int


@dataclass(frozen=True)
class Stays:
    """The canonical tables, counts, the three files, and their rows by name of the table."""

    stays: pl.DataFrame
    admissions: pl.DataFrame
    counts: dict[str, dict[str, int]]
    paths: list[Path]
    rows: dict[str, int]


def read_stays(folder: Path) -> Stays:
    """Read ICUSTAYS, ADMISSIONS and PATIENTS.

    Returns
    -------
    Stays
        `stays`: stay_id, patient_id, admission_id, intime, outtime, los_days (as in the table),
        in_hospital_death (HOSPITAL_EXPIRE_FLAG), age (years at admission to hospital, 90 for all
        over 89), transferred (first care unit or ward differs from the last), stays_in_admission
        (in the table, those left out included); sorted by stay_id. Stays without intime or outtime
        are left out. `admissions`: patient_id, admission_id, admittime, dischtime,
        in_hospital_death, death_date (PATIENTS.DOD), age; sorted by patient_id and admittime.

    Raises
    ------
    FleximodalError
        If a table or column is absent, an id is null, unknown or repeated, an admission has no
        time or no flag of death, or a stay ends before it begins.
    """
    patients, patients_path = _read_patients(folder)
    admissions, admissions_path, ages = _read_admissions(folder, patients, patients_path)
    path = required_table(folder, "ICUSTAYS")
    raw = collect(
        scan_table(
            path,
            {
                "icustay_id": pl.Int64,
                "subject_id": pl.Int64,
                "hadm_id": pl.Int64,
                "intime": TIME,
                "outtime": TIME,
                "los": pl.Float64,
                "first_careunit": pl.String,
                "last_careunit": pl.String,
                "first_wardid": pl.Int64,
                "last_wardid": pl.Int64,
            },
            every_field=True,
        ).rename({"icustay_id": "stay_id", "subject_id": "patient_id", "hadm_id": "admission_id"}),
        path,
    )
    whole, counts = check_stays(raw, path)
    _check_admission_of(raw, admissions, path, admissions_path)
    stays = _stays(raw, whole, admissions)
    deaths = admissions["in_hospital_death"]
    return Stays(
        stays=stays,
        admissions=admissions,
        counts={
            "stays": {
                **counts,
                "deaths": int(stays["in_hospital_death"].sum()),
                "under_18": stays.filter(pl.col("age") < 18).height,
                "transferred": int(stays["transferred"].sum()),
                "in_admissions_with_several": stays.filter(pl.col("stays_in_admission") > 1).height,
                "los_other_than_outtime_minus_intime": stays.filter(
                    (pl.col("los_days") - _days("intime", "outtime")).abs() > 0.001
                ).height,
            },
            "admissions": {"admissions": admissions.height, "deaths": int(deaths.sum()), **ages},
        },
        paths=[patients_path, admissions_path, path],
        rows={"PATIENTS": patients.height, "ADMISSIONS": admissions.height, "ICUSTAYS": raw.height},
    )


def read_diagnoses(folder: Path, admissions: pl.DataFrame) -> Diagnoses:
    """Read DIAGNOSES_ICD: patient_id, admission_id, code (without dot or blanks), version 9.

    Sorted by admission_id and code, without repeats. Rows without a code and rows of an admission
    that `admissions` lacks are left out and counted.
    """
    path = required_table(folder, "DIAGNOSES_ICD")
    columns: Columns = {"subject_id": pl.Int64, "hadm_id": pl.Int64, "icd9_code": pl.String}
    raw = collect(scan_table(path, columns, every_field=True), path)
    code = pl.col("icd9_code").str.replace_all(".", "", literal=True).str.strip_chars()
    coded = raw.select(
        patient_id="subject_id",
        admission_id="hadm_id",
        code=pl.when(code != "").then(code),
        version=pl.lit(ICD9, dtype=pl.Int8),
    ).drop_nulls("code")
    known = coded.join(
        admissions, on=["patient_id", "admission_id"], how="semi", maintain_order="left"
    )
    frame = known.unique(maintain_order=True).sort("admission_id", "version", "code")
    counts = {
        "without_code": raw.height - coded.height,
        "of_no_admission": coded.height - known.height,
        "repeated": known.height - frame.height,
    }
    return Diagnoses(frame, counts, path, raw.height)


def _read_patients(folder: Path) -> tuple[pl.DataFrame, Path]:
    path = required_table(folder, "PATIENTS")
    columns: Columns = {"subject_id": pl.Int64, "dob": TIME, "dod": TIME}
    patients = collect(scan_table(path, columns, every_field=True), path).rename(
        {"subject_id": "patient_id"}
    )
    check_unique(patients, "patient_id", path)
    refuse_rows(patients, pl.col("dob").is_null(), path, "has no DOB", "mend the row")
    return patients, path


def _read_admissions(
    folder: Path, patients: pl.DataFrame, patients_path: Path
) -> tuple[pl.DataFrame, Path, dict[str, int]]:
    path = required_table(folder, "ADMISSIONS")
    columns: Columns = {
        "subject_id": pl.Int64,
        "hadm_id": pl.Int64,
        "admittime": TIME,
        "dischtime": TIME,
        "deathtime": TIME,
        "hospital_expire_flag": pl.Int8,
    }
    raw = collect(scan_table(path, columns, every_field=True), path).rename(
        {"subject_id": "patient_id", "hadm_id": "admission_id"}
    )
    check_unique(raw, "admission_id", path)
    refuse_rows(raw, pl.col("admittime").is_null(), path, "has no ADMITTIME", "mend the row")
    refuse_rows(
        raw,
        ~pl.col("hospital_expire_flag").is_in([0, 1]).fill_null(False),
        path,
        "has a HOSPITAL_EXPIRE_FLAG that is neither 0 nor 1",
        "mend the row",
    )
    check_known(raw, "patient_id", patients["patient_id"], path, patients_path)
    age = _days("dob", "admittime") / _DAYS_PER_YEAR
    hidden = (age < 0) | (age > _OLDEST)
    joined = raw.join(patients, on="patient_id", how="left", maintain_order="left").with_columns(
        hidden=hidden, age=pl.when(hidden).then(_AGE_OF_THE_OLDEST).otherwise(age)
    )
    counts = {
        "age_set_to_90": int(joined["hidden"].sum()),
        "death_flag_other_than_deathtime": joined.filter(
            (pl.col("hospital_expire_flag") == 1) != pl.col("deathtime").is_not_null()
        ).height,
    }
    admissions = joined.select(
        "patient_id",
        "admission_id",
        "admittime",
        "dischtime",
        in_hospital_death="hospital_expire_flag",
        death_date=pl.col("dod").dt.date(),
        age=pl.col("age").cast(pl.Float32),
    ).sort("patient_id", "admittime", "admission_id")
    return admissions, path, counts


def _check_admission_of(
    stays: pl.DataFrame, admissions: pl.DataFrame, path: Path, admissions_path: Path
) -> None:
    known = stays.join(
        admissions.select("admission_id", owner="patient_id"),
        on="admission_id",
        how="left",
        maintain_order="left",
    )
    refuse_rows(
        known,
        ~pl.col("owner").eq_missing(pl.col("patient_id")),
        path,
        f"has a SUBJECT_ID and HADM_ID that {admissions_path.name} lacks",
        "fetch both files again",
    )


def _stays(raw: pl.DataFrame, whole: pl.DataFrame, admissions: pl.DataFrame) -> pl.DataFrame:
    in_admission = raw.group_by("admission_id").agg(
        stays_in_admission=pl.len().cast(pl.Int32),
    )
    moved = pl.any_horizontal(
        pl.col(f"first_{place}").ne_missing(pl.col(f"last_{place}"))
        for place in ("careunit", "wardid")
    )
    return (
        whole.join(in_admission, on="admission_id", how="left")
        .join(
            admissions.select("admission_id", "in_hospital_death", "age"),
            on="admission_id",
            how="left",
        )
        .select(
            "stay_id",
            "patient_id",
            "admission_id",
            "intime",
            "outtime",
            los_days=pl.coalesce("los", _days("intime", "outtime")),
            in_hospital_death="in_hospital_death",
            age="age",
            transferred=moved,
            stays_in_admission="stays_in_admission",
        )
        .sort("stay_id")
    )


def _days(start: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(start)).dt.total_seconds() / _SECONDS_PER_DAY
