"""ICU stays with what their admission says about age and death."""

from pathlib import Path

import polars as pl

from fleximodal.sources.mimic.check import check_known, check_stays, refuse_rows
from fleximodal.sources.mimic.tables import collect, scan_table

_DAY = 86_400_000_000.0


def read_stays(
    path: Path, admissions: pl.DataFrame, admissions_path: Path
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Read icu/icustays.

    Returns
    -------
    tuple
        stays: stay_id, patient_id, admission_id, intime, outtime, los_days f64 (the column los, or
        outtime - intime where it is empty), in_hospital_death i8, age f32, transferred (first care
        unit differs from the last), stays_in_admission i32; sorted by stay_id. And counts, see
        `check_stays`; `los_differs` counts stays whose los is off by more than a minute.

    Raises
    ------
    FleximodalError
        For a bad id or time (see `check_stays`), or a stay whose admission is unknown or belongs
        to another patient.
    """
    rows = collect(
        scan_table(
            path,
            {
                "subject_id": pl.Int64,
                "hadm_id": pl.Int64,
                "stay_id": pl.Int64,
                "first_careunit": pl.String,
                "last_careunit": pl.String,
                "intime": pl.Datetime("us"),
                "outtime": pl.Datetime("us"),
                "los": pl.Float64,
            },
            every_field=True,
        ),
        path,
    ).rename({"subject_id": "patient_id", "hadm_id": "admission_id"})
    whole, counts = check_stays(rows, path)
    check_known(rows, "admission_id", admissions["admission_id"], path, admissions_path)
    of_admission = admissions.select(
        "admission_id", "in_hospital_death", "age", owner=pl.col("patient_id")
    )
    owners = rows.join(of_admission, on="admission_id", how="left", maintain_order="left")
    refuse_rows(
        owners,
        pl.col("owner") != pl.col("patient_id"),
        path,
        "has an admission of another patient",
        "fetch the file again",
    )
    span = (pl.col("outtime") - pl.col("intime")).dt.total_microseconds() / _DAY
    per_admission = rows.group_by("admission_id").agg(stays_in_admission=pl.len().cast(pl.Int32))
    stays = (
        whole.join(of_admission, on="admission_id", how="left")
        .join(per_admission, on="admission_id", how="left")
        .select(
            "stay_id",
            "patient_id",
            "admission_id",
            "intime",
            "outtime",
            los_days=pl.coalesce("los", span),
            in_hospital_death="in_hospital_death",
            age="age",
            transferred=pl.col("first_careunit").ne_missing(pl.col("last_careunit")),
            stays_in_admission="stays_in_admission",
        )
        .sort("stay_id")
    )
    differs = (stays["los_days"] - stays.select(span)["outtime"]).abs() > 1 / 1440
    return stays, {**counts, "los_differs": int(differs.sum())}
