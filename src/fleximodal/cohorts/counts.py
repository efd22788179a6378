"""Compare the size of a cohort with the published one, before anything is trained on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.cohorts.registry import reader_of
from fleximodal.errors import FleximodalError

DATASETS = {"mimic4": "MIMIC-IV", "mimic3": "MIMIC-III", "adni": "ADNI"}
UNPUBLISHED = "no published value"
EXACTLY = "exactly "
_COLUMNS = (
    "dataset",
    "release",
    "tasks",
    "quantity",
    "n_stays",
    "tolerance_percent",
    "tolerance_stays",
    "reference",
)


def check_counts(
    published: Path,
    *,
    source: str,
    release: str,
    task: str,
    channels: str,
    flow: Mapping[str, Any],
    changed: str | None = None,
) -> list[dict[str, Any]]:
    """Return one row per published count of a task: what was measured, and the verdict.

    Parameters
    ----------
    published
        CSV with the columns dataset, release, tasks (joined by " & "), quantity (`total`, a
        modality, or `+`-joined modalities that a stay must all have, after "exactly " and no
        other), n_stays, tolerance_percent, tolerance_stays, reference. A count may differ by the
        sum of both tolerances.
    source, release, task, channels
        What the cohort was made of; `channels` is only told.
    flow
        The content of `flow.json`.
    changed
        What was chosen otherwise than in the publication, None if nothing.

    Returns
    -------
    list
        Per count: count, measured (None if the source lacks the modality), published, difference,
        tolerance (stays), channels, reference and verdict: `equal`, `within tolerance`, `off`, or
        `not comparable:` and why. Where nothing is published of the task, the total and each
        modality with the verdict `no published value`.

    Raises
    ------
    FleximodalError
        If the file or one of its columns is absent.
    """
    rows = []
    for told in _read(published, source, task):
        measured = _measured(told["quantity"], flow)
        tolerance = told["n_stays"] * told["tolerance_percent"] / 100 + told["tolerance_stays"]
        reason = _reason(source, release, told["release"], measured, changed)
        difference = None if measured is None else measured - told["n_stays"]
        rows.append(
            {
                "count": told["quantity"],
                "measured": measured,
                "published": told["n_stays"],
                "difference": difference,
                "tolerance": round(tolerance, 2),
                "channels": channels,
                "reference": told["reference"],
                "verdict": f"not comparable: {reason}" if reason else _judge(difference, tolerance),
            }
        )
    return rows or _unpublished(channels, flow)


def require_counts(rows: list[dict[str, Any]], task: str) -> None:
    """Fail if a comparable count is off, so that nothing is trained on a wrong cohort.

    Raises
    ------
    FleximodalError
        Naming each count that is off, measured and published.
    """
    off = [row for row in rows if row["verdict"] == "off"]
    if off:
        told = ", ".join(
            f"{row['count']} {row['measured']} instead of {row['published']}" for row in off
        )
        raise FleximodalError(
            f"Cohort {task} differs from the published one ({told}); "
            "check that all files of the release are complete and the settings are the default."
        )


def _read(published: Path, source: str, task: str) -> list[dict[str, Any]]:
    """Return the rows of the published file that are of a source and task."""
    if not published.is_file():
        raise FleximodalError(f"{published} does not exist; restore the published counts.")
    table = pl.read_csv(published)
    absent = [name for name in _COLUMNS if name not in table.columns]
    if absent:
        raise FleximodalError(f"{published} has no column {', '.join(absent)}; restore it.")
    of_task = pl.col("tasks").str.split(" & ").list.contains(task)
    dataset = DATASETS.get(reader_of(source), "")
    return table.filter(of_task & (pl.col("dataset") == dataset)).to_dicts()


def _unpublished(channels: str, flow: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = ["total", *(entry["modality"] for entry in flow["availability"])]
    nothing = dict.fromkeys(("published", "difference", "tolerance", "reference"))
    return [
        {
            "count": name,
            "measured": _measured(name, flow),
            **nothing,
            "channels": channels,
            "verdict": UNPUBLISHED,
        }
        for name in names
    ]


def _measured(quantity: str, flow: Mapping[str, Any]) -> int | None:
    """Return a count of the flow, None where the source lacks a modality."""
    if quantity == "total":
        return int(flow["steps"][-1]["stays"])
    single = {entry["modality"]: entry["stays"] for entry in flow["availability"]}
    if quantity.startswith(EXACTLY):
        names = quantity.removeprefix(EXACTLY)
        told = set(names.split("+")) <= single.keys() and "combinations" in flow
        return int(flow["combinations"].get(names, 0)) if told else None
    found = (single | flow["complete_cases"]).get(quantity)
    return None if found is None else int(found)


def _reason(
    source: str, release: str, wanted: str, measured: int | None, changed: str | None
) -> str | None:
    """Return why a count cannot be compared, None if it can."""
    if source.startswith("synthetic"):
        return "synthetic data"
    if "demo" in release:
        return "demonstration data"
    if release != wanted:
        return release
    if changed is not None:
        return changed
    return "modality absent" if measured is None else None


def _judge(difference: int | None, tolerance: float) -> str:
    if not difference:
        return "equal"
    return "within tolerance" if abs(difference) <= tolerance else "off"
