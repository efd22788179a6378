"""What a figure of the papers is drawn from: stored results of its cells, and digitised values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.combination_names import (
    BUFFER,
    combinations_of,
    letters_of,
    pair_label,
)
from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.publishing.entries import entries
from fleximodal.publishing.figure_declaration import Entry, FigureDeclaration

MEASURED, PUBLISHED = "measured", "published"
STATISTICS = ("mean", "sd", "low", "high")
DIGITISED = ["task", "label", "quantity", "value", "abs_error", "source"]


@dataclass(frozen=True)
class Result:
    """A cell of a figure, what is stored for it (None where its data are absent), kind of data."""

    entry: Entry
    stored: dict[str, Any] | None
    data: str

    @property
    def head(self) -> dict[str, Any]:
        """The columns that every row of this cell begins with."""
        cell = self.entry.cell
        return {
            "origin": MEASURED,
            "data": self.data,
            "source": cell.source,
            "task": self.entry.task,
            "label": self.entry.label,
            **{name: getattr(cell, name) for name in ("protocol", "cases", "modalities")},
            **{name: getattr(cell, name) for name in ("method", "variant")},
        }


@dataclass(frozen=True)
class FigureInputs:
    """Results in the order of the cells, results of all cells together, and digitised values.

    Attributes
    ----------
    results
        One per cell of the declaration.
    whole
        Content of the one file that was made from all cells, empty if there is none.
    digitised
        Columns `DIGITISED`; empty where nothing was published.
    loose
        Contents of files that belong to no cell, in their order, for figures without cells.
    """

    results: list[Result]
    whole: dict[str, Any]
    digitised: pd.DataFrame
    loose: tuple[dict[str, Any], ...] = ()

    def of_whole(self, cell: Cell) -> dict[str, Any] | None:
        """Return what the common file says of a cell."""
        found = self.whole.get("cells", [])
        return next((part for part in found if Cell(**part["cell"]) == cell), None)


def published_head(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the columns that the row of a digitised value begins with; its value is not one."""
    return {
        "origin": PUBLISHED,
        "data": "real",
        **{name: value[name] for name in ("source", "task", "label", "abs_error")},
    }


def in_percent(metric: str, summary: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return the columns of a metric's mean, deviation and interval, given as fractions."""
    found = {name: summary[name] for name in STATISTICS}
    return {
        f"{metric}_{name}": None if value is None else 100 * value for name, value in found.items()
    }


def read_inputs(
    declaration: FigureDeclaration,
    *,
    files: Sequence[Path | str] = (),
    whole: Path | str | None = None,
    published: Path | str | None = None,
) -> FigureInputs:
    """Read everything that a figure is drawn from.

    Parameters
    ----------
    declaration
        The figure.
    files
        JSON files of the cells whose data are there, in folders named after the cells; any for a
        figure without cells.
    whole
        JSON file made from all cells, or from none.
    published
        CSV of digitised values.

    Raises
    ------
    FleximodalError
        If the digitised values cannot be read, or are of another task or label than declared.
    """
    results = [
        Result(entry, None if found["stored"] is None else _json(found["stored"]), declaration.data)
        for entry, found in zip(
            declaration.entries(), entries(declaration, stored=files), strict=True
        )
    ]
    digitised = pd.DataFrame(columns=DIGITISED)
    if published:
        digitised = read_digitised(published, declaration)
    loose = () if declaration.cells() else tuple(_json(path) for path in files)
    return FigureInputs(results, _json(whole) if whole else {}, digitised, loose)


def read_digitised(path: Path | str, declaration: FigureDeclaration) -> pd.DataFrame:
    """Return digitised values: task, label, quantity, value, abs_error, source.

    Raises
    ------
    FleximodalError
        If the file cannot be read, lacks a column, or holds something else than declared.
    """
    try:
        frame = pd.read_csv(path, dtype={"label": str})
    except (OSError, ValueError) as error:
        raise FleximodalError(f"{path}: cannot be read as CSV ({error})") from None
    missing = [name for name in DIGITISED if name not in frame]
    if missing:
        raise FleximodalError(f"{path}: column {missing[0]!r} is missing; add it")
    known: dict[str, set[str]] = {
        "task": set(declaration.tasks),
        "label": _labels(declaration),
    }
    for name, values in known.items():
        strange = sorted(set(frame[name]) - values)
        if strange:
            raise FleximodalError(
                f"{path}: {name} {strange[0]!r} is not in the declaration of {declaration.name}"
            )
    return frame


def _labels(declaration: FigureDeclaration) -> set[str]:
    """Return what a digitised value may be called."""
    names = (declaration.modalities or "").split("+")
    if declaration.kind == "cohort":
        return set(combinations_of(letters_of(names)))
    if declaration.kind not in ("bank", "activation"):
        return {*declaration.methods, *names}
    sets = [*combinations_of(letters_of(names)), BUFFER]
    return {pair_label(first, second) for first in sets for second in sets}


def _json(path: Path | str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content
