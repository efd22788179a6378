"""Task `48-IHM`: death in hospital, from the first 48 hours of the stay."""

import polars as pl

from fleximodal.cohorts.counting import Selection
from fleximodal.cohorts.presence import any_series, with_presence
from fleximodal.cohorts.stays import exclude_as_benchmark, public, read_stays
from fleximodal.cohorts.tables import scan_table
from fleximodal.cohorts.task import Built, Request, Task

TASK = Task("stay", ("death",))
LEAST_DAYS = 2.0


def build_physionet2012(request: Request) -> Built:
    """Build the cohort of PhysioNet 2012.

    Every stay of the source lasts at least 48 hours, how long is not told (`hours` is null).
    Records without any time series are left out, as in the literature, and so are stays whose
    outcome is unknown.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    columns = ["stay_id", "patient_id", "set", "in_hospital_death"]
    stays = scan_table(request.canonical / "stays.parquet", columns).collect()
    stays = stays.rename({"in_hospital_death": "label"}).with_columns(
        pl.col("label").cast(pl.Int8), hours=pl.lit(None, dtype=pl.Float32)
    )
    stays = with_presence(stays, request.canonical, request.modalities, TASK.window_hours)
    selection = Selection("all records", stays)
    selection.keep("with any time series", any_series(request.modalities))
    selection.keep("with known outcome", pl.col("label").is_not_null())
    return Built(TASK, public(selection.rows), selection.steps, ("stays.parquet",))


def build_mimic(request: Request) -> Built:
    """Build the cohort of MIMIC: stays of two days or more; on MIMIC-III as the benchmark does.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    label = pl.col("in_hospital_death").cast(pl.Int8)
    return build_two_days(request, TASK, label)


def build_two_days(request: Request, task: Task, label: pl.Expr) -> Built:
    """Build a cohort of stays of two days or more with a measurement in the window.

    `label` is computed from the columns of `stays.parquet`.
    """
    stays = read_stays(request.canonical).with_columns(label.alias("label"))
    stays = with_presence(stays, request.canonical, request.modalities, task.window_hours)
    selection = Selection("all stays", stays)
    if request.reader == "mimic3":
        exclude_as_benchmark(selection)
    selection.keep("of at least 48 hours", pl.col("los_days") >= LEAST_DAYS)
    selection.keep("with a measurement in the window", any_series(request.modalities))
    return Built(task, public(selection.rows), selection.steps, ("stays.parquet",))
