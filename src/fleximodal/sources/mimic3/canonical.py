"""The canonical tables of MIMIC-III."""

import logging
from pathlib import Path
from typing import Any

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest
from fleximodal.sources.mimic.check import check_rows
from fleximodal.sources.mimic3.channels import modalities
from fleximodal.sources.mimic3.events import Extracted, extract_events
from fleximodal.sources.mimic3.notes import WrittenNotes, extract_notes
from fleximodal.sources.mimic3.release import PUBLISHED_ROWS, detect_release
from fleximodal.sources.mimic3.stays import Diagnoses, Stays, read_diagnoses, read_stays

LOGGER = logging.getLogger("fleximodal.sources")


def write_canonical(
    folder: Path, output: Path, *, source: str, range_filter: bool, bound_at_outtime: bool
) -> None:
    """Read MIMIC-III and write the folder of canonical tables, all of it or nothing.

    Parameters
    ----------
    folder
        Folder with `ADMISSIONS`, `CHARTEVENTS`, `DIAGNOSES_ICD`, `ICUSTAYS`, `LABEVENTS`,
        `PATIENTS` and, if there are notes, `NOTEEVENTS`, each as `.csv.gz` or `.csv`.
    output
        Folder to write: `stays.parquet`, `events.parquet`, `notes.parquet` (if there are any),
        `diagnoses.parquet`, `admissions.parquet`, `modalities.json`, `counts.json` and
        `manifest.json`. An existing one is replaced as a whole.
    source
        Name of the source, recorded in the manifest.
    range_filter
        Drop gross outliers and clip implausible values (see `cleaning.limit`).
    bound_at_outtime
        Drop events after the end of their stay.

    Raises
    ------
    FleximodalError
        If a table is absent, damaged or at odds with another one, or if one has other than the
        published number of rows.
    """
    folder, output = Path(folder), Path(output)
    if not folder.is_dir():
        raise FleximodalError(f"{folder} is no folder; give the folder that holds MIMIC-III.")
    stays = read_stays(folder)
    release = detect_release(source, stays.rows["ICUSTAYS"])
    published = PUBLISHED_ROWS.get(release, {})
    check_rows(release, published, stays.rows)
    diagnoses = read_diagnoses(folder, stays.admissions)
    check_rows(release, published, {"DIAGNOSES_ICD": diagnoses.rows})
    LOGGER.info("%s: %d stays", release, stays.stays.height)
    with atomic_folder(output) as target:
        scratch = target / "scratch"
        scratch.mkdir()
        events = extract_events(
            folder,
            stays.stays,
            target / "events.parquet",
            scratch,
            range_filter=range_filter,
            bound_at_outtime=bound_at_outtime,
        )
        check_rows(release, published, {name: rows["read"] for name, rows in events.rows.items()})
        LOGGER.info("events: %d", events.counts["events"]["kept"])
        notes = extract_notes(folder, stays.stays, target / "notes.parquet", scratch)
        scratch.rmdir()
        if notes.present:
            check_rows(release, published, {"NOTEEVENTS": notes.rows["read"]})
            LOGGER.info("notes: %d", notes.rows["kept"])
        else:
            LOGGER.info("no notes: NOTEEVENTS is absent or has none in a stay; left out")
        tables = {
            "stays.parquet": stays.stays,
            "diagnoses.parquet": diagnoses.frame,
            "admissions.parquet": stays.admissions,
        }
        for name, table in tables.items():
            table.write_parquet(target / name)
        write_json(target / "modalities.json", modalities(with_notes=notes.present))
        counts = {"release": release, **_counts(stays, diagnoses, events, notes)}
        write_json(target / "counts.json", counts)
        rows = {name: table.height for name, table in tables.items()}
        rows["events.parquet"] = events.counts["events"]["kept"]
        if notes.present:
            rows["notes.parquet"] = notes.rows["kept"]
        paths = [*stays.paths, diagnoses.path, *events.paths]
        write_manifest(
            target,
            "write_canonical",
            inputs=paths if notes.path is None else [*paths, notes.path],
            rows=rows,
            settings={
                "source": source,
                "release": release,
                "range_filter": range_filter,
                "bound_at_outtime": bound_at_outtime,
            },
        )


def _counts(
    stays: Stays, diagnoses: Diagnoses, events: Extracted, notes: WrittenNotes
) -> dict[str, Any]:
    kept = {
        "PATIENTS": stays.rows["PATIENTS"],
        "ADMISSIONS": stays.admissions.height,
        "ICUSTAYS": stays.stays.height,
        "DIAGNOSES_ICD": diagnoses.frame.height,
    }
    read = {**stays.rows, "DIAGNOSES_ICD": diagnoses.rows}
    small = {name: {"read": read[name], "kept": kept[name]} for name in kept}
    return {
        "modules": {"core": True, "note": notes.present},
        "channels": "benchmark",
        "rows": {**small, **events.rows, "NOTEEVENTS": notes.rows},
        **stays.counts,
        "diagnoses": diagnoses.counts,
        **events.counts,
        "notes": notes.counts,
    }
