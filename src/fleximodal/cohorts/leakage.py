"""The report on leakage of one protocol of a task: every gate passed, or nothing is trained."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleximodal.cohorts.fitting import check_encoder_patients, check_scalers
from fleximodal.cohorts.membership import check_complete, check_patients, check_stays
from fleximodal.cohorts.missingness import missingness_only
from fleximodal.cohorts.near_duplicates import SIMILARITY, check_notes
from fleximodal.cohorts.splits import read_cohort, read_splits
from fleximodal.cohorts.windows import check_hours, check_window
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest


def write_leakage(
    output: Path,
    *,
    cohort_folder: Path,
    splits: Path,
    scalers: Path,
    hours_range: Mapping[str, tuple[float, float]],
    notes: Path | None,
    encoder_patients: Path | None,
    protocol_kind: str,
    limits: Mapping[str, float],
) -> None:
    """Pass every gate and write `leakage.json` and `manifest.json`.

    Parameters
    ----------
    output
        Folder of the report; replaced as a whole.
    cohort_folder
        Folder with `cohort.parquet` and `task.json`.
    splits, scalers
        `splits.parquet` and `scalers.json` of the protocol.
    hours_range
        Least and greatest hour per packed modality, one without any observation left out.
    notes
        Parquet with stay_id, hours and text of the notes that models get, None without notes.
    encoder_patients
        Parquet with patient_id: whom the ECG autoencoder was fitted on, None without one.
    protocol_kind
        Kind of the protocol; `stay` allows a patient on both sides, which is then reported.
    limits
        `near_duplicate_share` (0 to 1), and optionally `near_duplicate_similarity` (0 to 1).

    Raises
    ------
    FleximodalError
        If a file is absent.
    LeakageError
        If a gate fails; nothing is written then.
    """
    cohort = read_cohort(cohort_folder / "cohort.parquet")
    task = _read_json(cohort_folder / "task.json", "build the cohort")
    window_hours = task["window_hours"]
    divided = read_splits(splits)
    gates = [
        check_stays(divided, cohort),
        check_patients(divided, cohort, protocol_kind),
        check_complete(divided, cohort),
        check_hours(hours_range, window_hours),
        check_scalers(divided, _read_json(scalers, "fit the scalers")),
        check_window(cohort, window_hours, full_window=task["full_window"]),
    ]
    read = [cohort_folder / "cohort.parquet", cohort_folder / "task.json", splits, scalers]
    if encoder_patients is not None:
        gates.append(check_encoder_patients(encoder_patients, divided, cohort, protocol_kind))
        read.append(encoder_patients)
    if notes is not None:
        gates.append(
            check_notes(
                notes,
                divided,
                cohort,
                window_hours=window_hours,
                kind=protocol_kind,
                largest_share=limits["near_duplicate_share"],
                similarity=limits.get("near_duplicate_similarity", SIMILARITY),
            )
        )
        read.append(notes)
    report = {"gates": gates, "missingness_only": missingness_only(cohort, divided)}
    with atomic_folder(output) as folder:
        write_json(folder / "leakage.json", report)
        write_manifest(
            folder,
            "check_leakage",
            inputs=read,
            settings={"protocol": protocol_kind, "limits": dict(limits)},
        )


def _read_json(path: Path, remedy: str) -> dict[str, Any]:
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; {remedy} first.")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
