"""The cohorts of a run: which folders hold them, and what their small files say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import SOURCES, TASKS, data_kind

EXACTLY = "exactly "  # before a set of modalities: those that have no other


@dataclass(frozen=True)
class CohortEntry:
    """A cohort: folder SOURCE/TASK/cohort, and the folder of its source's canonical tables."""

    source: str
    task: str
    folder: Path
    canonical: Path


@dataclass(frozen=True)
class Cohort:
    """What is told of a cohort: numbers of stays and patients, nothing of a single one.

    `flow`, `task`, `counts` and `origin` are the contents of flow.json, task.json and counts.json
    of the cohort, and of counts.json of the canonical tables.
    """

    entry: CohortEntry
    flow: dict[str, Any]
    task: dict[str, Any]
    counts: list[dict[str, Any]]
    origin: dict[str, Any]

    @property
    def data(self) -> str:
        """The kind of data: "real", "synthetic" or "demo"."""
        return data_kind(self.entry.source, self.origin.get("release", ""))

    @property
    def unit(self) -> str:
        """What is counted, in the plural."""
        return {"admission": "admissions", "subject": "subjects"}.get(self.task["unit"], "stays")


def cohort_entries(
    cohorts: Sequence[Path | str], canonical: Sequence[Path | str]
) -> list[CohortEntry]:
    """Pair folders of cohorts with those of canonical tables, in the fixed order of names.

    Parameters
    ----------
    cohorts
        Folders SOURCE/TASK/cohort, in any order.
    canonical
        Folders that end in SOURCE, at least one per source of the cohorts.

    Raises
    ------
    FleximodalError
        If the canonical tables of a source are not among the folders.
    """
    tables = {Path(folder).name: Path(folder) for folder in canonical}
    found = []
    for folder in map(Path, cohorts):
        source, task = folder.parts[-3:-1]
        if source not in tables:
            raise FleximodalError(
                f"{folder}: no folder of canonical tables of source {source!r} was given; "
                "extract the source first"
            )
        found.append(CohortEntry(source, task, folder, tables[source]))
    return sorted(found, key=lambda entry: place_of(entry.source, entry.task))


def place_of(source: str, task: str) -> tuple[int, int]:
    """Return where a (source, task) comes among the others; unknown names come last."""

    def place(name: str, names: tuple[str, ...]) -> int:
        return names.index(name) if name in names else len(names)

    return place(source, SOURCES), place(task, TASKS)


def read_cohort(entry: CohortEntry) -> Cohort:
    """Read the small files of a cohort.

    Raises
    ------
    FleximodalError
        If one of the files is absent or no JSON, or if counts.json and flow.json disagree about
        the number of stays.
    """
    flow = _read(entry.folder / "flow.json", "build the cohort again")
    task = _read(entry.folder / "task.json", "build the cohort again")
    origin = _read(entry.canonical / "counts.json", "extract the source again")
    counts_file = entry.folder / "counts.json"
    counts = _read(counts_file, "build the cohort again")
    for row in counts:
        told, counted = row["measured"], stays_of(flow, row["count"])
        if None not in (told, counted) and told != counted:
            raise FleximodalError(
                f"{counts_file}: count {row['count']!r} is {told}, but flow.json says {counted}; "
                "build the cohort again"
            )
    return Cohort(entry, flow, task, counts, origin)


def part_of(flow: dict[str, Any], count: str) -> dict[str, Any]:
    """Return the entry of flow.json behind a count; of a set of modalities only its stays.

    `count` is "total", a modality, or a set of modalities joined by +, after "exactly " those and
    no other; an empty mapping if flow.json does not tell it.
    """
    if count == "total":
        return dict(flow["steps"][-1])
    for one in flow["availability"]:
        if one["modality"] == count:
            return dict(one)
    if count.startswith(EXACTLY):
        # Combinations that nobody has are not listed.
        known = "combinations" in flow
        return {"stays": flow["combinations"].get(count.removeprefix(EXACTLY), 0)} if known else {}
    complete = flow.get("complete_cases", {})
    return {"stays": complete[count]} if count in complete else {}


def stays_of(flow: dict[str, Any], count: str) -> int | None:
    """Return the number of stays behind a count, None if flow.json does not tell it."""
    return part_of(flow, count).get("stays")


def positives_of(part: dict[str, Any]) -> dict[str, Any]:
    """Return how many stays are positive, over the labels of the task.

    Returns
    -------
    dict
        `labels` (their number), `positives_least` and `positives_most` over the labels, and
        `prevalence`, the mean over labels as a fraction (missing without stays); empty where the
        positives are not told.
    """
    if "positive" not in part:
        return {}
    positive = part["positive"]
    values = positive if isinstance(positive, list) else [positive]
    row = {
        "labels": len(values),
        "positives_least": min(values),
        "positives_most": max(values),
    }
    if part["stays"]:
        row["prevalence"] = sum(values) / len(values) / part["stays"]
    return row


def _read(path: Path, remedy: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FleximodalError(f"{path}: cannot be read ({error.strerror}); {remedy}") from None
    except ValueError:
        raise FleximodalError(f"{path}: is not JSON; {remedy}") from None
