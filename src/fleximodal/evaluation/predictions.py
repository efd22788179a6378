"""Reading the stored predictions of a cell, and refusing what cannot be evaluated."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.ranking import both_classes

RUN = ["split", "seed"]
TEXTS = ["split", "part"]
NUMBERS = ["seed", "stay_id", "patient_id"]
PER_LABEL = ["label", "score"]  # numbers, or lists of one number per label
PARTS = ("val", "test")
NAMES = "labels"  # key of the file's metadata: JSON list of the names of the labels
FEWEST = 3  # classes; two have one label and one score
SUM = 1e-6  # how far from one the probabilities of the classes may sum
SCORES = {  # what is wrong with single scores
    "'score' is missing": pl.col("score").is_null(),
    "'score' is not a finite number": ~pl.col("score").is_finite(),
    "'score' is not a probability": ~pl.col("score").is_between(0, 1),
}
AGAIN = "delete it and train the cell again"


def read_predictions(path: Path | str) -> pl.DataFrame:
    """Return the predictions of a cell, sorted by split, seed, part and stay.

    `label` and `score` are numbers for one label, lists of K numbers for K labels; for C > 2
    classes `label` is a number, 0 to C - 1, and `score` the list of their C probabilities.

    Raises
    ------
    FleximodalError
        If the file is damaged, empty, lacks a column, or holds a missing value, a label other than
        0 and 1 or the number of a class, a score that is not a probability, probabilities of
        classes that do not sum to one, lists of unequal length, or a stay twice in one part.
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
    lists = isinstance(frame.schema["score"], pl.List)
    frame = frame.with_columns(pl.col("score").cast(pl.List(pl.Float64) if lists else pl.Float64))
    return frame.select(*TEXTS, *NUMBERS, *PER_LABEL).sort(*RUN, "part", "stay_id")


def label_names(path: Path | str, frame: pl.DataFrame) -> list[str] | None:
    """Return the names that the file gives the labels or classes of its predictions.

    Returns
    -------
    list of str or None
        "label1", ... if the file names none; None for one label of two classes.

    Raises
    ------
    FleximodalError
        If it gives another number of names.
    """
    if not isinstance(frame.schema["score"], pl.List):
        return None
    count = len(frame["score"][0])
    stored = pl.read_parquet_metadata(BytesIO(Path(path).read_bytes())).get(NAMES)
    names = json.loads(stored) if stored else [f"label{k + 1}" for k in range(count)]
    if len(names) != count:
        raise FleximodalError(f"{path}: names {len(names)} labels but holds {count}; {AGAIN}")
    return [str(name) for name in names]


def is_multilabel(frame: pl.DataFrame) -> bool:
    """Tell whether predictions have a list of labels per stay."""
    return isinstance(frame.schema["label"], pl.List)


def is_multiclass(frame: pl.DataFrame) -> bool:
    """Tell whether predictions have one of several classes per stay, and a score for each class."""
    return not is_multilabel(frame) and isinstance(frame.schema["score"], pl.List)


def values_of(frame: pl.DataFrame, column: str) -> np.ndarray:
    """Return `label` or `score` as an array, (n,), or (n, K) where there are lists."""
    if not isinstance(frame.schema[column], pl.List):
        return frame[column].to_numpy()
    return frame[column].explode().to_numpy().reshape(len(frame), -1)


def prevalence_of(frame: pl.DataFrame) -> float | None:
    """Return the fraction of label 1; None for several classes, which have one each."""
    return None if is_multiclass(frame) else float(values_of(frame, "label").mean())


def _check_columns(frame: pl.DataFrame, path: Path | str) -> None:
    for name in (*TEXTS, *NUMBERS, *PER_LABEL):
        if name not in frame.columns:
            raise FleximodalError(f"{path}: column {name!r} is missing; {AGAIN}")
        kind = frame.schema[name]
        number = kind.is_numeric() or (name in PER_LABEL and _is_list_of_numbers(kind))
        if not (kind == pl.String if name in TEXTS else number):
            raise FleximodalError(f"{path}: column {name!r} is of type {kind}; {AGAIN}")
    if is_multilabel(frame) and not isinstance(frame.schema["score"], pl.List):
        raise FleximodalError(f"{path}: column 'label' holds lists but 'score' does not; {AGAIN}")
    if is_multiclass(frame) and not frame.schema["label"].is_integer():
        raise FleximodalError(
            f"{path}: column 'label' is of type {frame.schema['label']} where 'score' holds the "
            f"probabilities of classes; {AGAIN}"
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
    rows = frame.with_row_index("row")
    _refuse(rows, whole, path)
    if is_multiclass(frame):
        _check_classes(rows, path)
        return
    elements = rows.select("row", *PER_LABEL)
    if is_multilabel(frame):
        count = pl.col("label").list.len().first()
        _refuse(rows, {_other_length(n, "label"): _length(n) != count for n in PER_LABEL}, path)
        elements = elements.explode(*PER_LABEL)
    not_binary = {"'label' is neither 0 nor 1": ~pl.col("label").is_in([0, 1])}
    missing = {"'label' is missing": pl.col("label").is_null()}
    _refuse(elements, {**missing, **SCORES, **not_binary}, path)


def _check_classes(rows: pl.DataFrame, path: Path | str) -> None:
    """Refuse classes that are none, and scores that are not their probabilities."""
    count = len(rows["score"][0])
    if count < FEWEST:
        raise FleximodalError(
            f"{path}: row 1: 'score' holds {count} probabilities where several classes have at "
            f"least {FEWEST}; {AGAIN}"
        )
    faults = {
        _other_length("score", "score"): _length("score") != count,
        f"'label' is none of the classes 0 to {count - 1}": ~pl.col("label").is_between(
            0, count - 1
        ),
    }
    _refuse(rows, faults, path)
    _refuse(rows.select("row", "score").explode("score"), SCORES, path)
    total = pl.col("score").list.sum()
    _refuse(rows, {"'score' does not sum to 1": (total - 1).abs() > SUM}, path)


def _length(name: str) -> pl.Expr:
    return pl.col(name).list.len()


def _other_length(name: str, first: str) -> str:
    return f"{name!r} has another number of entries than the first {first!r}"


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
        If a part is absent, or has one class only or no label with both classes; cell, split and
        seed are named.
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
    """Return what is wrong with labels of one class, or none of which has both classes."""
    if labels.ndim == 1:
        return f"only label {labels[0]}" if (labels == labels[0]).all() else None
    return None if both_classes(labels).any() else "no label with both classes"
