"""Task `diagnosis`: cognitively normal, mild cognitive impairment or dementia (ADNI).

Flex-MoE (arXiv 2410.08245), section 4.1: one label per subject. Features come from a subject's last
visits and the label is the diagnosis of all visits, so that nothing is forecast.
"""

import polars as pl

from fleximodal.cohorts.counting import Selection, combinations_of
from fleximodal.cohorts.presence import with_presence
from fleximodal.cohorts.stays import public
from fleximodal.cohorts.tables import scan_table
from fleximodal.cohorts.task import Built, Request, Task

CLASSES = ("CN", "MCI", "dementia")
TASK = Task("subject", CLASSES, window_hours=None, full_window=False)


def build(request: Request) -> Built:
    """Build the cohort: subjects whose diagnosis is known and the same at all visits.

    Why a subject has no label is told by the source; each reason is a step of the selection. The
    report `combinations` counts the subjects with exactly each combination of modalities.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    subjects = (
        scan_table(
            request.canonical / "stays.parquet", ["stay_id", "patient_id", "diagnosis", "why"]
        )
        .with_columns(
            label=pl.col("diagnosis").replace_strict(
                dict(enumerate(CLASSES)), default=None, return_dtype=pl.Enum(CLASSES)
            ),
            hours=pl.lit(None, dtype=pl.Float32),
        )
        .collect()
    )
    subjects = with_presence(subjects, request.canonical, request.modalities, TASK.window_hours)
    selection = Selection("all subjects", subjects)
    for reason in subjects["why"].drop_nulls().unique().sort():
        selection.keep(f"without: {reason}", pl.col("why").ne_missing(reason))
    selection.keep("with a diagnosis", pl.col("label").is_not_null())
    selection.keep(
        "with at least one modality",
        pl.any_horizontal(f"has_{modality.name}" for modality in request.modalities),
    )
    cohort = public(selection.rows)
    report = {"combinations": combinations_of(cohort)}
    return Built(TASK, cohort, selection.steps, ("stays.parquet",), report)
