"""Write the splits of a protocol, once every gate has let them pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.cohorts.leakage import check_complete, check_disjoint, check_window
from fleximodal.cohorts.missingness import missingness_only
from fleximodal.cohorts.protocols import make_splits
from fleximodal.cohorts.tables import scan_table
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest


def write_splits(
    cohort_folder: Path,
    output: Path,
    *,
    protocol: Mapping[str, Any],
    events: Path,
    five_random_file: Path | None = None,
    horizon_hours: float = 48.0,
) -> None:
    """Write `splits.parquet`, `leakage.json` and `manifest.json` of one protocol.

    Parameters
    ----------
    cohort_folder
        Folder with `cohort.parquet`.
    output
        Folder of the protocol; replaced as a whole.
    protocol, five_random_file
        As for `make_splits`.
    events
        Canonical `events.parquet`, checked against the window.
    horizon_hours
        End of the observation window.

    Raises
    ------
    FleximodalError
        If the cohort is absent or does not match the protocol.
    LeakageError
        If a gate fails; nothing is written then.
    """
    cohort_file = cohort_folder / "cohort.parquet"
    if not cohort_file.is_file():
        raise FleximodalError(f"{cohort_file} does not exist; build the cohort first.")
    cohort = pl.read_parquet(cohort_file)
    splits = make_splits(cohort, protocol, five_random_file)
    leakage = {
        "gates": [
            check_window(events, horizon_hours),
            check_disjoint(splits, cohort, "stay_id"),
            check_disjoint(splits, cohort, "patient_id"),
            check_complete(splits, cohort),
        ],
        "missingness_only": missingness_only(cohort, splits),
    }
    read = [cohort_file, events]
    if protocol["kind"] == "five-random" and five_random_file is not None:
        read.append(five_random_file)
    with atomic_folder(output) as folder:
        splits.write_parquet(folder / "splits.parquet")
        write_json(folder / "leakage.json", leakage)
        write_manifest(
            folder,
            "make_splits",
            inputs=read,
            rows={"splits.parquet": splits.height},
            settings={"protocol": dict(protocol), "horizon_hours": horizon_hours},
        )


def read_splits(path: Path) -> pl.DataFrame:
    """Return split, stay_id, part of a `splits.parquet`, sorted by split and stay_id."""
    return scan_table(path, ["split", "stay_id", "part"]).collect().sort("split", "stay_id")
