"""Reading the stored predictions of a cell, and refusing what cannot be evaluated."""

from pathlib import Path

import polars as pl

from fleximodal.config.cells import Cell
from fleximodal.errors import FleximodalError

RUN = ["split", "seed"]
TEXTS = ["split", "part"]
NUMBERS = ["seed", "stay_id", "patient_id", "label", "score"]
PARTS = ("val", "test")
AGAIN = "delete it and train the cell again"


def read_predictions(path: Path | str) -> pl.DataFrame:
    """Return the predictions of a cell, sorted by split, seed, part and stay.

    Raises
    ------
    FleximodalError
        If the file is damaged, empty, lacks a column, or holds a missing value, a label other than
        0 and 1, a score that is not a probability, or a stay twice in one part.
    """
    try:
        frame = pl.read_parquet(Path(path).read_bytes())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise FleximodalError(f"{path}: not a readable Parquet file ({reason}); {AGAIN}") from None
    for name in (*TEXTS, *NUMBERS):
        if name not in frame.columns:
            raise FleximodalError(f"{path}: column {name!r} is missing; {AGAIN}")
        kind = frame.schema[name]
        if not (kind.is_numeric() if name in NUMBERS else kind == pl.String):
            raise FleximodalError(f"{path}: column {name!r} is of type {kind}; {AGAIN}")
    if frame.is_empty():
        raise FleximodalError(f"{path}: holds no predictions; {AGAIN}")
    _check_values(frame, path)
    return frame.select(*TEXTS, *NUMBERS).sort(*RUN, "part", "stay_id")


def _check_values(frame: pl.DataFrame, path: Path | str) -> None:
    score = pl.col("score")
    faults = {
        **{f"{name!r} is missing": pl.col(name).is_null() for name in (*TEXTS, *NUMBERS)},
        "'score' is not a finite number": ~score.is_finite(),
        "'score' is not a probability": ~score.is_between(0, 1),
        "'label' is neither 0 nor 1": ~pl.col("label").is_in([0, 1]),
        f"'part' is neither {PARTS[0]} nor {PARTS[1]}": ~pl.col("part").is_in(PARTS),
        "the stay is there twice": ~pl.struct(*RUN, "part", "stay_id").is_first_distinct(),
    }
    for fault, condition in faults.items():
        rows = frame.select(condition.arg_true()).to_series()
        if len(rows):
            raise FleximodalError(f"{path}: row {rows[0] + 1}: {fault}; {AGAIN}")


def parts_of_run(run: pl.DataFrame, cell: Cell, split: str, seed: int) -> dict[str, pl.DataFrame]:
    """Return the validation and test part of one run.

    Raises
    ------
    FleximodalError
        If a part is absent or has one class only; cell, split and seed are named.
    """
    parts = {}
    for part in PARTS:
        rows = run.filter(pl.col("part") == part)
        if rows["label"].n_unique() < 2:
            found = "no stays" if rows.is_empty() else f"only label {rows['label'][0]}"
            raise FleximodalError(
                f"cell {cell.path}, split {split!r}, seed {seed}: the {part} part has "
                f"{found}, so its metrics are undefined; use a larger cohort or another protocol"
            )
        parts[part] = rows
    return parts
