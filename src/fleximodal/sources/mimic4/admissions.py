"""Admissions with the patient's age and death, and which admission is each patient's last."""

from pathlib import Path

import polars as pl

from fleximodal.sources.mimic.check import check_known, check_unique, refuse_rows
from fleximodal.sources.mimic.tables import collect, scan_table


def read_admissions(patients_path: Path, admissions_path: Path) -> tuple[pl.DataFrame, dict]:
    """Read hosp/patients and hosp/admissions.

    Returns
    -------
    tuple
        admissions: patient_id, admission_id, admittime, dischtime, in_hospital_death i8,
        death_date (the patient's, null if not recorded), age f32 (years at admission, where 91 or
        more stands for all above 89), sorted by patient_id, admittime. And counts, among them the
        rows `read` of each table.

    Raises
    ------
    FleximodalError
        If an id is null or repeated, an admission's patient is not in the table of patients, an
        admission has no time, or the flag of death is not 0 or 1.
    """
    patients = _patients(patients_path)
    rows = collect(
        scan_table(
            admissions_path,
            {
                "subject_id": pl.Int64,
                "hadm_id": pl.Int64,
                "admittime": pl.Datetime("us"),
                "dischtime": pl.Datetime("us"),
                "deathtime": pl.Datetime("us"),
                "hospital_expire_flag": pl.Int64,
            },
            every_field=True,
        ),
        admissions_path,
    )
    check_unique(rows, "hadm_id", admissions_path)
    check_known(rows, "subject_id", patients["subject_id"], admissions_path, patients_path)
    flag = pl.col("hospital_expire_flag")
    for wrong, what in (
        (pl.col("admittime").is_null(), "has no admittime"),
        (flag.is_null() | ~flag.is_in([0, 1]), "has a hospital_expire_flag that is not 0 or 1"),
    ):
        refuse_rows(rows, wrong, admissions_path, what, "mend the row or fetch the file again")
    age = pl.col("anchor_age") + pl.col("admittime").dt.year() - pl.col("anchor_year")
    admissions = (
        rows.join(patients, on="subject_id", how="left")
        .select(
            patient_id="subject_id",
            admission_id="hadm_id",
            admittime="admittime",
            dischtime="dischtime",
            in_hospital_death=flag.cast(pl.Int8),
            death_date=pl.coalesce("dod", pl.col("deathtime").dt.date()),
            age=age.cast(pl.Float32),
        )
        .sort("patient_id", "admittime", "admission_id")
    )
    return admissions, {
        "patients": patients.height,
        "admissions": rows.height,
        "in_hospital_deaths": int(admissions["in_hospital_death"].sum()),
        "without_dischtime": rows["dischtime"].null_count(),
        "discharged_before_admitted": rows.filter(pl.col("dischtime") < pl.col("admittime")).height,
        "without_age": admissions["age"].null_count(),
    }


def last_admissions(admissions: pl.DataFrame) -> pl.DataFrame:
    """Return the last admission of every patient with more than one, in the order of patients."""
    several = admissions.filter(pl.len().over("patient_id") > 1)
    return several.unique("patient_id", keep="last", maintain_order=True)


def _patients(path: Path) -> pl.DataFrame:
    rows = collect(
        scan_table(
            path,
            {
                "subject_id": pl.Int64,
                "anchor_age": pl.Int64,
                "anchor_year": pl.Int64,
                "dod": pl.Date,
            },
            every_field=True,
        ),
        path,
    )
    check_unique(rows, "subject_id", path)
    return rows
