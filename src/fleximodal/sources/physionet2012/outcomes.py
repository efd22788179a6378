"""The outcomes files: one row per record with scores, length of stay, survival and death."""

import csv
from collections.abc import Collection
from pathlib import Path

import polars as pl

from fleximodal.errors import FleximodalError

_COLUMNS = {
    "RecordID": ("stay_id", pl.Int64),
    "In-hospital_death": ("in_hospital_death", pl.Int8),
    "Length_of_stay": ("length_of_stay", pl.Int32),
    "Survival": ("survival", pl.Int32),
    "SAPS-I": ("saps1", pl.Int32),
    "SOFA": ("sofa", pl.Int32),
}


def read_outcomes(path: Path) -> pl.DataFrame:
    """Read one outcomes file; -1 becomes null.

    Returns
    -------
    polars.DataFrame
        Columns stay_id i64, in_hospital_death i8 (0 or 1), length_of_stay i32 (days), survival
        i32 (days), saps1 i32, sofa i32; one row per record in the file's order.

    Raises
    ------
    FleximodalError
        If the file or a column is missing, a value is no whole number, a death is neither 0 nor 1,
        or a record occurs twice.
    """
    if not path.is_file():
        raise FleximodalError(
            f"The outcomes file {path} does not exist; fetch it from the release."
        )
    rows: dict[int, tuple[int, ...]] = {}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise FleximodalError(
                f"{path} lacks the column {', '.join(missing)} in its first line; "
                "fetch the outcomes file again."
            )
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            record, *values = (_whole(row[name], name, where) for name in _COLUMNS)
            if record in rows:
                raise FleximodalError(f"{where}: record {record} occurs twice; remove one row.")
            if values[0] not in (0, 1):
                raise FleximodalError(
                    f"{where}: In-hospital_death is {values[0]}, it must be 0 or 1; mend the row."
                )
            rows[record] = (record, *values)
    schema = dict(_COLUMNS.values())
    frame = pl.DataFrame(list(rows.values()), schema=schema, orient="row")
    scores = pl.col("length_of_stay", "survival", "saps1", "sofa")
    return frame.with_columns(pl.when(scores != -1).then(scores))


def check_same_records(
    outcomes: pl.DataFrame, outcomes_path: Path, records: Collection[int], records_path: Path
) -> None:
    """Raise a FleximodalError unless outcomes and record files cover the same records."""
    listed = set(outcomes["stay_id"])
    if without_outcome := sorted(set(records) - listed):
        raise FleximodalError(
            f"{outcomes_path} lacks record {_some(without_outcome)}, of which {records_path} holds "
            "the record file; complete the outcomes file."
        )
    if without_file := sorted(listed - set(records)):
        raise FleximodalError(
            f"{records_path} lacks the file of record {_some(without_file)}, which {outcomes_path} "
            "lists; fetch the set again."
        )


def _whole(text: str | None, column: str, where: str) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise FleximodalError(
            f"{where}: {column} is {text or ''!r}, not a whole number; mend the row."
        ) from None


def _some(records: list[int]) -> str:
    return str(records[0]) + (f" (and {len(records) - 1} more)" if len(records) > 1 else "")
