"""The numbers of the cohort-flow figure as a frame; the figure is drawn from them alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.publishing.cohort_entries import Cohort, CohortEntry, positives_of, read_cohort

STEP, MODALITY, COMPLETE = "step", "modality", "all of"
COLUMNS = (
    *("source", "data", "release", "task", "unit", "kind", "name", "stays", "patients"),
    *("excluded_stays", "excluded_patients", "labels", "positives_least", "positives_most"),
    *("prevalence", "share_of_total"),
)
INTEGERS = (
    *("stays", "patients", "excluded_stays", "excluded_patients"),
    *("labels", "positives_least", "positives_most"),
)


def flow_numbers(entries: Sequence[CohortEntry]) -> pd.DataFrame:
    """Return one row per step of selection, per modality and per set of modalities.

    Parameters
    ----------
    entries
        The cohorts, in the order of the panels.

    Returns
    -------
    pandas.DataFrame
        `kind` is "step", "modality" (stays that have it) or "all of" (stays that have each of a
        set). `excluded_stays` and `excluded_patients` count what a step left out; a patient counts
        as left out when none of the stays is left. `share_of_total` refers to the last step.

    Raises
    ------
    FleximodalError
        If there is no cohort, or a file of one is absent.
    """
    rows = [row for entry in entries for row in _rows(read_cohort(entry))]
    if not rows:
        raise FleximodalError(
            "figure cohort_flow: no cohort was built, because the data of every source are absent; "
            "provide them or leave the figure out"
        )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(INTEGERS, "Int64"))


def _rows(cohort: Cohort) -> Iterator[dict[str, Any]]:
    head = {
        "source": cohort.entry.source,
        "data": cohort.data,
        "release": cohort.origin.get("release", "unknown"),
        "task": cohort.entry.task,
        "unit": cohort.unit,
    }
    before: Mapping[str, Any] | None = None
    for step in cohort.flow["steps"]:
        left_out = {
            f"excluded_{what}": before[what] - step[what] if before else None
            for what in ("stays", "patients")
        }
        yield {**head, "kind": STEP, "name": step["step"], **_counts(step), **left_out}
        before = step
    total = cohort.flow["steps"][-1]["stays"]
    for part in cohort.flow["availability"]:
        share = part["stays"] / total if total else None
        yield {
            **head,
            **{"kind": MODALITY, "name": part["modality"], "share_of_total": share},
            **_counts(part),
        }
    for name, stays in cohort.flow.get("complete_cases", {}).items():
        share = stays / total if total else None
        yield {**head, "kind": COMPLETE, "name": name, "stays": stays, "share_of_total": share}


def _counts(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"stays": part["stays"], "patients": part["patients"], **positives_of(dict(part))}
