"""Task `one-year-mortality`: death within a year after the last visit to the hospital.

Flex-MoE (arXiv 2410.08245) tells the cohort in one sentence; the steps follow it in its order.
"""

import polars as pl

from fleximodal.cohorts.counting import Selection
from fleximodal.cohorts.presence import with_presence
from fleximodal.cohorts.stays import ADULT_YEARS, public
from fleximodal.cohorts.tables import scan_table
from fleximodal.cohorts.task import Built, Request, Task

TASK = Task("admission", ("death",), window_hours=None)
WITHIN_DAYS = 365
_COLUMNS = (
    "patient_id",
    "admission_id",
    "admittime",
    "dischtime",
    "in_hospital_death",
    "death_date",
    "age",
)


def build(request: Request) -> Built:
    """Build the cohort: one admission per patient, the last of several as an adult.

    A visit coincides with death if the patient died in hospital or not later than the day of
    discharge. Dates of death are known up to a year after the last discharge, so that a patient
    without one has survived that year.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    after = (pl.col("death_date") - pl.col("dischtime").dt.date()).dt.total_days()
    died = (pl.col("in_hospital_death") == 1) | (after <= 0)
    length = (pl.col("dischtime") - pl.col("admittime")).dt.total_microseconds() / 3.6e9
    admissions = (
        scan_table(request.canonical / "admissions.parquet", _COLUMNS)
        .sort("patient_id", "admittime", "admission_id")
        .with_columns(
            stay_id="admission_id",
            label=after.is_between(1, WITHIN_DAYS).fill_null(False).cast(pl.Int8),
            dies_at_visit=died.fill_null(False),
            hours=length.cast(pl.Float32),
        )
        .collect()
    )
    admissions = with_presence(admissions, request.canonical, request.modalities, TASK.window_hours)
    selection = Selection("all admissions", admissions)
    selection.keep("18 years or older", pl.col("age") >= ADULT_YEARS)
    selection.keep("of patients with more than one", pl.len().over("patient_id") > 1)
    selection.keep(
        "last of the patient",
        pl.col("admission_id") == pl.col("admission_id").last().over("patient_id"),
    )
    selection.keep("not coinciding with death", ~pl.col("dies_at_visit"))
    selection.keep("with a time of discharge", pl.col("dischtime").is_not_null())
    return Built(TASK, public(selection.rows), selection.steps, ("admissions.parquet",))
