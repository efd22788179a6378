"""Write the splits of a protocol, once they are found disjoint and complete."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.cohorts.membership import check_complete, check_patients, check_stays
from fleximodal.cohorts.patients import read_patients
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
    five_random_file: Path | None = None,
    patients: Path | None = None,
) -> None:
    """Write `splits.parquet`, `checks.json` and `manifest.json` of one protocol.

    Parameters
    ----------
    cohort_folder
        Folder with `cohort.parquet`.
    output
        Folder of the protocol; replaced as a whole.
    protocol, five_random_file
        As for `make_splits`.
    patients
        `patients.parquet` of the source, for protocol `patient`.

    Raises
    ------
    FleximodalError
        If the cohort is absent or does not match the protocol.
    LeakageError
        If a stay is in two parts, or a patient under a protocol other than `stay`, or the splits
        and the cohort disagree; nothing is written then.
    """
    cohort_file = cohort_folder / "cohort.parquet"
    cohort, kind = read_cohort(cohort_file), protocol["kind"]
    read = [cohort_file]
    if kind == "five-random" and five_random_file is not None:
        read.append(five_random_file)
    divided = None
    if kind == "patient" and patients is not None:
        divided = read_patients(patients)
        read.append(patients)
    splits = make_splits(cohort, protocol, five_random_file, divided)
    checks = {
        "gates": [
            check_stays(splits, cohort),
            check_patients(splits, cohort, kind),
            check_complete(splits, cohort),
        ]
    }
    with atomic_folder(output) as folder:
        splits.write_parquet(folder / "splits.parquet")
        write_json(folder / "checks.json", checks)
        write_manifest(
            folder,
            "make_splits",
            inputs=read,
            rows={"splits.parquet": splits.height},
            settings={"protocol": dict(protocol)},
        )


def read_cohort(path: Path) -> pl.DataFrame:
    """Return a `cohort.parquet`.

    Raises
    ------
    FleximodalError
        If the file is absent.
    """
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; build the cohort first.")
    return pl.read_parquet(path)


def read_splits(path: Path) -> pl.DataFrame:
    """Return split, stay_id, part of a `splits.parquet`, sorted by split and stay_id."""
    return scan_table(path, ["split", "stay_id", "part"]).collect().sort("split", "stay_id")
