"""The one division of a source's patients, the same for every task and modality set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.cohorts.parts import PARTS, check_shares
from fleximodal.cohorts.tables import scan_table
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder
from fleximodal.io.manifest import write_manifest


def split_patients(
    patient_ids: Sequence[int] | np.ndarray | pl.Series,
    fractions: Sequence[float],
    seed: int,
    count: int,
) -> pl.DataFrame:
    """Divide patients at random.

    Parameters
    ----------
    patient_ids
        Ids, in any order, repeats allowed.
    fractions
        Shares of train, val and test; sum 1.
    seed, count
        The first seed and the number of splits, one per seed.

    Returns
    -------
    DataFrame
        split (`patient{seed}`, ...), patient_id, part; sorted by split and patient_id. A split
        depends on its seed and the patients alone.

    Raises
    ------
    FleximodalError
        If fractions or count are impossible.
    """
    check_shares("patient", fractions, count)
    patients = np.unique(np.asarray(patient_ids, dtype=np.int64))
    bounds = np.rint(np.cumsum(fractions)[:2] * len(patients)).astype(int)
    part = np.repeat(PARTS, np.diff([0, *bounds, len(patients)]))
    splits = [
        pl.DataFrame(
            {"patient_id": np.random.default_rng(one).permutation(patients), "part": part}
        ).select(pl.lit(f"patient{one}").alias("split"), "patient_id", "part")
        for one in range(seed, seed + count)
    ]
    return pl.concat(splits).sort("split", "patient_id")


def write_patients(canonical: Path, output: Path, *, protocol: Mapping[str, Any]) -> None:
    """Divide all patients of a source and write `patients.parquet` and `manifest.json`.

    Parameters
    ----------
    canonical
        Folder of canonical tables; patients are those with an admission, where the source tells
        admissions, else those with a stay.
    output
        Folder to write; replaced as a whole.
    protocol
        fractions, seed, count; see `split_patients`.

    Raises
    ------
    FleximodalError
        If the table is absent or the protocol impossible.
    """
    admissions = canonical / "admissions.parquet"
    table = admissions if admissions.is_file() else canonical / "stays.parquet"
    patients = scan_table(table, ["patient_id"]).collect()["patient_id"]
    splits = split_patients(patients, protocol["fractions"], protocol["seed"], protocol["count"])
    with atomic_folder(output) as folder:
        splits.write_parquet(folder / "patients.parquet")
        write_manifest(
            folder,
            "split_patients",
            inputs=[table],
            rows={"patients.parquet": splits.height},
            settings={"protocol": dict(protocol)},
        )


def read_patients(path: Path) -> pl.DataFrame:
    """Return split, patient_id, part of a `patients.parquet`, sorted by split and patient_id."""
    table = scan_table(path, ["split", "patient_id", "part"]).collect()
    return table.sort("split", "patient_id")


def fit_patients(frame: pl.DataFrame) -> pl.Series:
    """Return the patients (ascending) who are in train in every split.

    On nobody else may something that serves all tasks be fitted without labels.

    Raises
    ------
    FleximodalError
        If there is no such patient.
    """
    always = frame.group_by("patient_id").agg((pl.col("part") == "train").all().alias("train"))
    found = always.filter("train")["patient_id"].sort()
    if not found.len():
        raise FleximodalError(
            f"No patient is in train in all of the {frame['split'].n_unique()} splits; "
            "use fewer splits of protocol patient."
        )
    return found
