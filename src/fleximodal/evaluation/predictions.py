"""Reading the stored predictions of a cell, and refusing what cannot be evaluated."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.config.cells import Cell
from fleximodal.errors import FleximodalError
from fleximodal.ranking import both_classes

RUN = ["split", "seed"]
TEXTS = ["split", "part"]
NUMBERS = ["seed", "stay_id", "patient_id"]
PER_LABEL = ["label", "score"]  # numbers, or lists of one number per label
PARTS = ("val", "test")
NAMES = "labels"  # key of the file's metadata: JSON list of the names of the labels
AGAIN = "delete it and train the cell again"


def read_predictions(path: Path | str) -> pl.DataFrame:
    """Return the predictions of a cell, sorted by split, seed, part and stay.

    `label` and `score` are numbers for one label, lists of K numbers for K labels.

    Raises
    ------
    FleximodalError
        If the file is damaged, empty, lacks a column, or holds a missing value, a label other than
        0 and 1, a score that is not a probability, lists of unequal length, or a stay twice in one
        part.
    """
    try:
        frame = pl.read_parquet(Path(path).read_bytes())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise FleximodalError(f"{path}: not a readable Parquet file ({reason}); {AGAIN}") from None
    _check_columns(frame, path)
    if frame.is_empty():
        raise FleximodalError(f"{path}: holds no predictions; {AGAIN}")
    _check_values(frame, path)
    frame = frame.with_columns(
        pl.col("score").cast(pl.List(pl.Float64) if is_multilabel(frame) else pl.Float64)
    )
    return frame.select(*TEXTS, *NUMBERS, *PER_LABEL).sort(*RUN, "part", "stay_id")


def label_names(path: Path | str, count: int) -> list[str]:
    """Return the names of the `count` labels that the file gives, "label1", ... if it gives none.

    Raises
    ------
    FleximodalError
        If it gives another number of names.
    """
    stored = pl.read_parquet_metadata(BytesIO(Path(path).read_bytes())).get(NAMES)
    names = json.loads(stored) if stored else [f"label{k + 1}" for k in range(count)]
    if len(names) != count:
        raise FleximodalError(f"{path}: names {len(names)} labels but holds {count}; {AGAIN}")
    return [str(name) for name in names]


def is_multilabel(frame: pl.DataFrame) -> bool:
    """Tell whether predictions have a list of labels per stay."""
    return isinstance(frame.schema["label"], pl.List)


def values_of(frame: pl.DataFrame, column: str) -> np.ndarray:
    """Return `label` or `score` as an array, (n,), or (n, K) where there are lists."""
    if not is_multilabel(frame):
        return frame[column].to_numpy()
    return frame[column].explode().to_numpy().reshape(len(frame), -1)


def _check_columns(frame: pl.DataFrame, path: Path | str) -> None:
    for name in (*TEXTS, *NUMBERS, *PER_LABEL):
        if name not in frame.columns:
            raise FleximodalError(f"{path}: column {name!r} is missing; {AGAIN}")
        kind = frame.schema[name]
        number = kind.is_numeric() or (name in PER_LABEL and _is_list_of_numbers(kind))
        if not (kind == pl.String if name in TEXTS else number):
            raise FleximodalError(f"{path}: column {name!r} is of type {kind}; {AGAIN}")
    kinds = [frame.schema[name] for name in PER_LABEL]
    if isinstance(kinds[0], pl.List) != isinstance(kinds[1], pl.List):
        raise FleximodalError(
            f"{path}: only one of the columns 'label' and 'score' holds lists; {AGAIN}"
        )


def _is_list_of_numbers(kind: pl.DataType) -> bool:
    return (
        isinstance(kind, pl.List)
        and pl.DataFrame(schema={"x": kind.inner}).schema["x"].is_numeric()
    )


def _check_values(frame: pl.DataFrame, path: Path | str) -> None:
    whole = {
        **{
            f"{name!r} is missing": pl.col(name).is_null()
            for name in (*TEXTS, *NUMBERS, *PER_LABEL)
        },
        f"'part' is neither {PARTS[0]} nor {PARTS[1]}": ~pl.col("part").is_in(PARTS),
        "the stay is there twice": ~pl.struct(*RUN, "part", "stay_id").is_first_distinct(),
    }
    score = pl.col("score")
    element = {
        **{f"{name!r} is missing": pl.col(name).is_null() for name in PER_LABEL},
        "'score' is not a finite number": ~score.is_finite(),
        "'score' is not a probability": ~score.is_between(0, 1),
        "'label' is neither 0 nor 1": ~pl.col("label").is_in([0, 1]),
    }
    rows = frame.with_row_index("row")
    _refuse(rows, whole, path)
    elements = rows.select("row", *PER_LABEL)
    if is_multilabel(frame):
        count = pl.col("label").list.len().first()
        lengths = {
            f"{name!r} has another number of entries than the first 'label'":
            pl.col(name).list.len() != count
            for name in PER_LABEL
        }  # fmt: skip
        _refuse(rows, lengths, path)
        elements = elements.explode(*PER_LABEL)
    _refuse(elements, element, path)


def _refuse(frame: pl.DataFrame, faults: dict[str, pl.Expr], path: Path | str) -> None:
    for fault, condition in faults.items():
        rows = frame.filter(condition)["row"]
        if len(rows):
            raise FleximodalError(f"{path}: row {rows[0] + 1}: {fault}; {AGAIN}")


def parts_of_run(run: pl.DataFrame, cell: Cell, split: str, seed: int) -> dict[str, pl.DataFrame]:
    """Return the validation and test part of one run.

    Raises
    ------
    FleximodalError
        If a part is absent or no label has both classes in it; cell, split and seed are named.
    """
    parts = {}
    for part in PARTS:
        rows = run.filter(pl.col("part") == part)
        found = "no stays" if rows.is_empty() else _one_class(values_of(rows, "label"))
        if found:
            raise FleximodalError(
                f"cell {cell.path}, split {split!r}, seed {seed}: the {part} part has "
                f"{found}, so its metrics are undefined; use a larger cohort or another protocol"
            )
        parts[part] = rows
    return parts


def _one_class(labels: np.ndarray) -> str | None:
    """Return what is wrong with labels none of which has both classes."""
    if both_classes(labels).any():
        return None
    return f"only label {labels[0]}" if labels.ndim == 1 else "no label with both classes"
