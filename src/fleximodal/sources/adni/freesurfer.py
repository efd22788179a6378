"""Volumes and thicknesses of brain regions: one row per subject of UCSF's FreeSurfer table."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.collapse import STAMP
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.adni.tables import numbers, read_table, refuse, subjects, times

# Cortical volumes, mean thicknesses and subcortical volumes.
_REGION = re.compile(r"ST\d+(CV|TA|SV)")


@dataclass(frozen=True)
class Regions:
    """Vectors of subjects: `stay_id` (R,) ascending, `values` (R, D) float32, and counts."""

    stay_id: np.ndarray
    names: list[str]
    values: np.ndarray
    counts: dict[str, Any]

    def fill(self, target: np.ndarray) -> None:
        """Write the values into `target` (R, D) float32."""
        target[:] = self.values


def read_freesurfer(path: Path, preparation: Preparation) -> Regions:
    """Read the table and keep one row per subject.

    With `image_row` "latest_exam" that is the one of the latest EXAMDATE (of equal ones the one
    exported last), with "first_max_stamp" the one of the latest UPDATE_STAMP; of equal rows the
    first in the file (H-26). With `zero_scans` "drop" rows without a value other than 0 are none.

    Raises
    ------
    FleximodalError
        If the table can't be read, has no region column, or a value is no number.
    """
    exam = preparation.image_row == "latest_exam"
    rows = read_table(path, ("PTID", STAMP, *(["EXAMDATE"] if exam else [])))
    names = [name for name in rows.columns if _REGION.fullmatch(name)]
    if not names:
        raise FleximodalError(
            f"{path} has no region column such as ST10CV; give the file as ADNI ships it."
        )
    values = [numbers(rows[name]) for name in names]
    for text, value in zip(rows.select(names), values, strict=True):
        wrong = value.is_null() & text.is_not_null()
        refuse(path, wrong, f"has a {text.name} that is no number; mend the row")
    order = [times(rows[STAMP]).alias("stamp")]
    if exam:
        order.insert(0, times(rows["EXAMDATE"]).alias("exam"))
    scans = pl.DataFrame([subjects(rows, path), *order, *values])
    seen = scans["stay_id"].n_unique()
    measured = pl.any_horizontal((pl.col(names) != 0).fill_null(False))
    empty = scans.filter(~measured).height
    if preparation.zero_scans == "drop":
        scans = scans.filter(measured)
    ordered = scans.sort(
        *(column.name for column in order), descending=True, nulls_last=True, maintain_order=True
    )
    chosen = ordered.unique("stay_id", keep="first", maintain_order=True).sort("stay_id")
    return Regions(
        chosen["stay_id"].to_numpy(),
        names,
        chosen.select(pl.col(names).cast(pl.Float32).fill_null(np.nan)).to_numpy(),
        {
            "scans": rows.height,
            "scans_without_value": empty,
            "subjects": seen,
            "subjects_kept": chosen.height,
            "features": len(names),
        },
    )
