"""Counts of a cohort: units, patients and positive labels."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl


def several_of(table: pl.DataFrame) -> bool:
    """Tell whether the label is one of several classes (an Enum) or several labels (an Array)."""
    return isinstance(table.schema["label"], pl.Array | pl.Enum)


def labels_of(table: pl.DataFrame) -> np.ndarray:
    """Return the label as (n, K) integers, one column per class if it is one of several classes.

    An unknown label counts as negative.
    """
    label = table["label"]
    if isinstance(label.dtype, pl.Enum):
        columns = [(label == name).fill_null(False) for name in label.dtype.categories]
        return np.stack([column.to_numpy() for column in columns], axis=1).astype(np.int64)
    if isinstance(label.dtype, pl.Array):
        return label.to_numpy().astype(np.int64)
    return label.cast(pl.Int64).fill_null(0).to_numpy().reshape(-1, 1)


def count(table: pl.DataFrame) -> dict[str, Any]:
    """Return stays (units), patients and positive (a list, of several labels or classes)."""
    positive = labels_of(table).sum(axis=0).tolist()
    return {
        "stays": table.height,
        "patients": table["patient_id"].n_unique(),
        "positive": positive if several_of(table) else positive[0],
    }


def flags_of(table: pl.DataFrame) -> list[str]:
    """Return the names of the modalities that have a flag, in order."""
    return [name.removeprefix("has_") for name in table.columns if name.startswith("has_")]


def availability(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the counts of those that have each modality."""
    return [
        {"modality": name, **count(table.filter(pl.col(f"has_{name}")))} for name in flags_of(table)
    ]


def complete_cases(table: pl.DataFrame) -> dict[str, int]:
    """Return how many have all of each combination of the first modality with others."""
    first, *others = flags_of(table)
    chosen = [
        (first, *some) for size in range(1, len(others) + 1) for some in combinations(others, size)
    ]
    return {
        "+".join(names): table.filter(pl.all_horizontal([f"has_{name}" for name in names])).height
        for names in chosen
    }


def combinations_of(table: pl.DataFrame) -> dict[str, int]:
    """Return how many have exactly each combination of modalities that occurs, largest first."""
    flags = table.select(f"has_{name}" for name in flags_of(table)).to_numpy()
    patterns, counts = np.unique(flags, axis=0, return_counts=True)
    names = np.array(flags_of(table))
    found = [("+".join(names[row]), int(n)) for row, n in zip(patterns, counts, strict=True)]
    return dict(sorted(found, key=lambda one: (-one[0].count("+"), -one[1], one[0])))


class Selection:
    """Rows that are kept step by step, each step counted."""

    def __init__(self, step: str, rows: pl.DataFrame) -> None:
        self.rows = rows
        self.steps = [{"step": step, **count(rows)}]

    def keep(self, step: str, condition: pl.Expr) -> None:
        """Keep the rows that meet the condition; an unknown answer does not."""
        self.rows = self.rows.filter(condition)
        self.steps.append({"step": step, **count(self.rows)})
