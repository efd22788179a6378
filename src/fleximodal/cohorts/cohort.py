"""Write the cohort of a task: who is in, the label, and which modalities each stay has."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleximodal.cohorts.counting import availability, complete_cases, count
from fleximodal.cohorts.counts import check_counts, require_counts
from fleximodal.cohorts.registry import find_task, reader_of
from fleximodal.cohorts.settings import CohortSettings, read_settings
from fleximodal.cohorts.tables import read_modalities, read_release
from fleximodal.cohorts.task import Built, Request
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_path, write_json
from fleximodal.io.manifest import write_manifest

LOGGER = logging.getLogger("fleximodal.cohorts")


def write_cohort(
    canonical: Path,
    output: Path,
    *,
    source: str,
    task: str,
    settings: Mapping[str, Any] | None = None,
    published: Path | None = None,
) -> None:
    """Write `cohort.parquet`, `task.json`, `flow.json`, `counts.json` and `manifest.json`.

    `flow.json` holds the steps of selection, the availability of each modality among those that
    were kept, and how many have all of each combination; `counts.json` the comparison with the
    published counts, where there is one.

    Parameters
    ----------
    canonical
        Folder of canonical tables of the source.
    output
        Folder of the cohort; made if absent, other files in it stay.
    source, task
        Names; the reader of the source and the task choose the builder.
    settings
        What may be chosen, see `CohortSettings`; None or silence takes the defaults.
    published
        CSV of published counts, see `check_counts`; None compares with nothing.

    Raises
    ------
    FleximodalError
        If the source has no such task, a setting or canonical table is not as it should be, nobody
        is left, or a comparable count is off; nothing is written then.
    """
    entry, reader = find_task(source, task), reader_of(source)
    chosen = read_settings(settings or {}, reader)
    modalities = read_modalities(canonical, entry.unit)
    built = entry.build(Request(canonical, reader, tuple(modalities), chosen))
    if not built.table.height:
        emptied = next(step["step"] for step in built.steps if not step["stays"])
        raise FleximodalError(
            f"Task {task} of source {source} has nobody left after the step {emptied!r}; "
            "check the canonical tables."
        )
    flow = {
        "steps": built.steps,
        "availability": availability(built.table),
        "complete_cases": complete_cases(built.table),
        **built.report,
    }
    release = read_release(canonical)
    counts: list[dict[str, Any]] | None = None
    if published is not None:
        counts = check_counts(
            published,
            source=source,
            release=release.name,
            task=task,
            channels=release.channels,
            flow=flow,
            changed=_changed(chosen, reader),
        )
        require_counts(counts, task)
    tables = {modality.table for modality in modalities} | {*built.read, "modalities.json"}
    _log(task, source, built)

    with atomic_path(output / "cohort.parquet") as path:
        built.table.write_parquet(path)
    write_json(output / "task.json", {"task": task, **_describe(built)})
    write_json(output / "flow.json", flow)
    if counts is not None:
        write_json(output / "counts.json", counts)
    write_manifest(
        output,
        "build_cohort",
        inputs=[canonical / name for name in sorted(tables)],
        rows={"cohort.parquet": built.table.height},
        settings={"source": source, "task": task, **vars(chosen)},
    )


def _changed(chosen: CohortSettings, reader: str) -> str | None:
    """Return what was chosen otherwise than the publication did."""
    if chosen.window_hours != read_settings({}, reader).window_hours:
        window = chosen.window_hours
        return "window of the whole stay" if window is None else f"window of {window:g} hours"
    return None


def _describe(built: Built) -> dict[str, Any]:
    task = built.task
    return {
        "unit": task.unit,
        "labels": list(task.labels),
        "window_hours": task.window_hours,
        "horizon_hours": task.horizon_hours,
        "axis": task.axis,
        "full_window": task.full_window,
    }


def _log(task: str, source: str, built: Built) -> None:
    for step in built.steps:
        LOGGER.info("%s of %s: %d %s", task, source, step["stays"], step["step"])
    LOGGER.info("%s of %s: %d patients", task, source, count(built.table)["patients"])
