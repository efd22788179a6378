"""Table 5: stays per source, task and modality, beside the published numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import data_kind
from fleximodal.publishing.claims import write_claims
from fleximodal.publishing.cohort_claims import cohort_claims
from fleximodal.publishing.cohort_entries import (
    Cohort,
    CohortEntry,
    part_of,
    place_of,
    positives_of,
    read_cohort,
)
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import NONE, count, percent, share
from fleximodal.publishing.own_declaration import OwnTable
from fleximodal.publishing.page import Page
from fleximodal.publishing.table import ABSENT

NAME = "table5"
UNKNOWN = "unknown"
NOT_COMPARABLE = "not comparable"
COLUMNS = (
    *("table", "source", "data", "release", "channels", "task", "unit", "count"),
    *("stays", "patients", "labels", "positives_least", "positives_most", "prevalence"),
    *("share_of_total", "published", "difference", "tolerance", "verdict", "reference"),
)
TOLD = ("published", "difference", "tolerance", "reference")
INTEGERS = (
    *("stays", "patients", "labels", "positives_least", "positives_most"),
    *("published", "difference"),
)
# Names in the published file, and ours.
DATASETS = {"MIMIC-IV": "mimic4", "MIMIC-III": "mimic3", "ADNI": "adni"}
QUANTITIES = {"text": "notes"}
PUBLISHED_COLUMNS = ("dataset", "tasks", "quantity", "n_stays")


def write_cohort_table(
    table: OwnTable,
    entries: Sequence[CohortEntry],
    absent: Sequence[tuple[str, str]],
    published: Path | str,
    folder: Path | str,
    claims: Path | str,
) -> None:
    """Write table5.csv, table5.md, table5.tex and table5.html into `folder`, and its claims.

    Parameters
    ----------
    table
        The declaration.
    entries
        The cohorts that were built.
    absent
        (source, task) of the cohorts whose data are absent.
    published
        CSV with the columns dataset, tasks (joined by " & "), quantity, n_stays.
    folder, claims
        Folder of tables, and the CSV of the claims.

    Raises
    ------
    FleximodalError
        If a file of a cohort is absent or disagrees with another, or `published` is faulty.
    """
    frame = build_cohort_table(entries, absent, published)
    write_page(frame, cohort_page(frame, table), folder)
    write_claims(cohort_claims(frame, read_published(published)), claims)


def build_cohort_table(
    entries: Sequence[CohortEntry],
    absent: Sequence[tuple[str, str]],
    published: Path | str,
) -> pd.DataFrame:
    """Return one row per (source, task, count), in the fixed order of sources and tasks.

    `prevalence` (mean over labels) and `share_of_total` are fractions; `difference` is stays minus
    published. Parameters and errors are those of `write_cohort_table`.
    """
    values = read_published(published)
    blocks = {(entry.source, entry.task): _cohort_rows(read_cohort(entry)) for entry in entries} | {
        (source, task): _absent_rows(source, task, values) for source, task in absent
    }
    ordered = sorted(blocks, key=lambda key: place_of(*key))
    rows = [row for key in ordered for row in blocks[key]]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.assign(table=NAME).astype(dict.fromkeys(INTEGERS, "Int64"))


def read_published(path: Path | str) -> dict[tuple[str, str], dict[str, int]]:
    """Return the published numbers of stays: (source, task) -> count -> number.

    Raises
    ------
    FleximodalError
        If the file cannot be read, lacks a column, or names an unknown data set.
    """
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    lacking = [name for name in PUBLISHED_COLUMNS if name not in frame]
    if lacking:
        raise FleximodalError(f"{path}: column {lacking[0]!r} is missing; add it")
    found: dict[tuple[str, str], dict[str, int]] = {}
    columns = (frame[name] for name in PUBLISHED_COLUMNS)
    for number, (dataset, tasks, quantity, stays) in enumerate(zip(*columns, strict=True), 1):
        if dataset not in DATASETS:
            raise FleximodalError(
                f"{path}: row {number}: unknown dataset {dataset!r}; use {' or '.join(DATASETS)}"
            )
        for task in str(tasks).split("&"):
            counts = found.setdefault((DATASETS[dataset], task.strip()), {})
            counts[QUANTITIES.get(quantity, quantity)] = int(stays)
    return found


def cohort_page(frame: pd.DataFrame, table: OwnTable) -> Page:
    """Return what a reader sees of the table; differences only where they say something."""
    incomparable = frame["verdict"].str.startswith(NOT_COMPARABLE)
    view = {
        "Source": frame["source"],
        "Data": frame["data"],
        "Release": frame["release"].fillna(NONE),
        "Channels": frame["channels"].fillna(NONE),
        "Task": frame["task"],
        "Count": frame["count"],
    }
    if frame["unit"].nunique() > 1:
        view["Unit"] = frame["unit"].fillna(NONE)
    view |= {
        "Stays" if (frame["unit"].dropna() == "stays").all() else "Number": frame["stays"].map(
            count
        ),
        "Patients": frame["patients"].map(count),
        "Positive": frame.apply(_positive, axis=1),
        "Share of total (%)": frame["share_of_total"].map(share),
        "Published": frame["published"].map(count),
        "Difference": frame["difference"].mask(incomparable).map(_signed),
        "Verdict": frame["verdict"],
    }
    return Page(
        name=NAME,
        title=table.title,
        view=pd.DataFrame(view),
        caption=_caption(frame, table),
    )


def _cohort_rows(cohort: Cohort) -> list[dict[str, Any]]:
    """Return one row per count of counts.json, with what flow.json tells of it."""
    total = cohort.flow["steps"][-1]["stays"]
    rows = []
    for told in cohort.counts:
        part = part_of(cohort.flow, told["count"])
        stays = told["measured"]
        rows.append(
            {
                "source": cohort.entry.source,
                "data": cohort.data,
                "release": cohort.origin.get("release", UNKNOWN),
                "channels": cohort.origin.get("channels", UNKNOWN),
                "task": cohort.entry.task,
                "unit": cohort.unit,
                "count": told["count"],
                "stays": stays,
                "patients": part.get("patients"),
                **positives_of(part),
                "share_of_total": None if stays is None or not total else stays / total,
                **{name: told.get(name) for name in TOLD},
                "verdict": ABSENT if stays is None else told["verdict"],
            }
        )
    return rows


def _absent_rows(
    source: str, task: str, published: dict[tuple[str, str], dict[str, int]]
) -> list[dict[str, Any]]:
    counts: Mapping[str, int | None] = published.get((source, task)) or {"total": None}
    return [
        {
            "source": source,
            "data": data_kind(source),
            "task": task,
            "count": name,
            "published": value,
            "verdict": ABSENT,
        }
        for name, value in counts.items()
    ]


def _positive(row: "pd.Series[Any]") -> str:
    if pd.isna(row["labels"]):
        return NONE
    least, most = count(row["positives_least"]), count(row["positives_most"])
    rate = f" ({percent(row['prevalence'])} %)" if pd.notna(row["prevalence"]) else ""
    if row["labels"] == 1:
        return least + rate
    return f"{least} to {most} per label{rate}"


def _signed(value: float) -> str:
    return NONE if pd.isna(value) else f"{int(value):+,}" if value else "0"


def _caption(frame: pd.DataFrame, table: OwnTable) -> str:
    words = [table.caption.strip()]
    generated = sorted(set(frame.loc[frame["data"] == "synthetic", "source"]))
    if generated:
        words.append(
            f"{', '.join(generated)}: synthetic (generated) data, no patients; their numbers say "
            "nothing about the published ones."
        )
    if (frame["verdict"] == ABSENT).any():
        words.append(
            f"{ABSENT[0].upper()}{ABSENT[1:]}: the files of the source, or of this modality of it, "
            "were not found."
        )
    words.append(f"A {NONE} stands for what was not counted, not published or does not apply.")
    return " ".join(words)
