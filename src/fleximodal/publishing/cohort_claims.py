"""Claims of table 5: the printed numbers of stays."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fleximodal.publishing.claims import (
    ABSENT,
    DIFFERENT,
    EQUIVALENT,
    INCOMPARABLE,
    NO_TARGET,
    Claim,
)

TABLE = "table5"
DATASET = "MIMIC-IV"
SOURCES = ("mimic4", "synthetic-mimic4")
PRINTED = (("48-IHM & LOS", ("48-IHM", "LOS")), ("25-PHE", ("25-PHE",)))
JUDGED = {"equal": EQUIVALENT, "within tolerance": EQUIVALENT, "off": DIFFERENT}


def cohort_claims(
    frame: pd.DataFrame, printed: Mapping[tuple[str, str], Mapping[str, int]]
) -> list[Claim]:
    """Return one claim per printed number of stays.

    A number printed for two tasks is held against the task whose count is farther from it. Counts
    have no spread, so the verdict is "equivalent" within the tolerance of the published file and
    "different" beyond it. Counts of the release are preferred to those of generated data.

    Parameters
    ----------
    frame
        What `build_cohort_table` returned.
    printed
        What `read_published` returned: (source, task) -> count -> number. Sets of modalities are
        not of the table and left out.
    """
    claims = []
    for words, tasks in PRINTED:
        for name, number in printed.get((SOURCES[0], tasks[0]), {}).items():
            if "+" not in name:
                claims.append(_claim(words, name, number, _row(frame, tasks, name)))
    return claims


def _row(frame: pd.DataFrame, tasks: tuple[str, ...], name: str) -> dict[str, Any] | None:
    """Return the row of the first source that has a comparable count, else of one that has any."""
    rows = frame[frame["task"].isin(tasks) & (frame["count"] == name) & frame["stays"].notna()]
    judged = rows[rows["verdict"].isin(JUDGED)]
    for some in (judged, *(rows[rows["source"] == source] for source in reversed(SOURCES))):
        of_known = some[some["source"].isin(SOURCES)]
        if len(of_known):
            farthest = of_known["difference"].abs().astype("float64").argmax()
            return dict(of_known.iloc[int(farthest)])
    return None


def _claim(words: str, name: str, number: int, row: dict[str, Any] | None) -> Claim:
    head: dict[str, Any] = {
        "claim": f"{TABLE}-{words}-{name}",
        "table": TABLE,
        "dataset": DATASET,
        "modalities": name,
        "task": words,
        "metric": "stays",
        "method": "",
        "variant": "",
        "published_mean": number,
    }
    if row is None:
        return Claim(**head, data="", verdict=ABSENT)
    told = row["verdict"]
    reason = told.removeprefix("not comparable: ")
    other = INCOMPARABLE.get(row["data"], f"{NO_TARGET}counted on {reason}")
    tolerance = row["tolerance"]
    return Claim(
        **head,
        measured=int(row["stays"]),
        source=row["source"],
        data=row["data"],
        difference=int(row["stays"]) - number,
        margin=None if pd.isna(tolerance) else tolerance,
        verdict=JUDGED.get(told, other),
    )
