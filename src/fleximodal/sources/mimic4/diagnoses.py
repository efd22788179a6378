"""Diagnosis codes of admissions, ICD-9 and ICD-10."""

from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic.blocks import write_blocks
from fleximodal.sources.mimic.tables import scan_table, sink

_KEY = ["admission_id", "version", "code"]


def write_diagnoses(path: Path, unsorted: Path, target: Path) -> dict[str, Any]:
    """Write diagnoses.parquet: patient_id, admission_id, code (no dot, no blanks), version 9 or 10.

    Raises
    ------
    FleximodalError
        If a version is neither 9 nor 10.
    """
    rows = scan_table(
        path,
        {
            "subject_id": pl.Int64,
            "hadm_id": pl.Int64,
            "icd_code": pl.String,
            "icd_version": pl.Int64,
        },
        every_field=True,
    ).select(
        patient_id="subject_id",
        admission_id="hadm_id",
        code=pl.col("icd_code").str.strip_chars().str.replace_all(".", "", literal=True),
        version="icd_version",
    )
    sink(rows, unsorted, path)
    scan = pl.scan_parquet(unsorted)
    wrong = scan.with_row_index("row").filter(
        pl.col("version").is_null() | ~pl.col("version").is_in([9, 10])
    )
    first = wrong.select("row").head(1).collect()
    if first.height:
        raise FleximodalError(
            f"{path}, row {first.item() + 1} below the header has an icd_version that is neither "
            "9 nor 10; mend the row or fetch the file again."
        )
    without = pl.any_horizontal(
        pl.col("patient_id", "admission_id").is_null(),
        pl.col("code").is_null(),
        pl.col("code") == "",
    ).fill_null(True)
    read, dropped = scan.select(pl.len(), without.sum()).collect().row(0)

    def arrange(block: pl.DataFrame) -> pl.DataFrame:
        codes = block.filter(~without).with_columns(pl.col("version").cast(pl.Int8))
        return codes.unique(_KEY, keep="first", maintain_order=True).sort(_KEY)

    kept = write_blocks(unsorted, target, "admission_id", arrange)
    return {
        "read": read,
        "dropped": {"without_id_or_code": dropped},
        "repeated": read - dropped - kept,
        "kept": kept,
    }
