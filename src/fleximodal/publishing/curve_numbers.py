"""The numbers of a figure as a frame; the figure is drawn from them alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.publishing.declaration import TableDeclaration

# panel -> (abscissa, ordinate) in curves.json
PANELS = {
    "roc": ("false_positive_rate", "true_positive_rate"),
    "precision_recall": ("recall", "precision"),
    "reliability": ("mean_score", "observed_fraction"),
}
COUNTS = ("n_runs", "n_stays", "n_patients", "prevalence")


def curve_numbers(
    declaration: TableDeclaration, cells: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """Return one row per point of every curve, in the order of the table's rows.

    Parameters
    ----------
    declaration
        The table that the figure belongs to.
    cells
        In row order: "cell" (source, ..., variant) and "curves", the path of curves.json or None
        where the data are absent.

    Returns
    -------
    pandas.DataFrame
        x and y are fractions; `n` is the number of stays in a bin of the reliability panel;
        `prevalence` is missing for several classes, whose curves are means over the classes.

    Raises
    ------
    FleximodalError
        If none of the cells was run.
    """
    parts = [part for entry in cells if entry["curves"] for part in _cell_parts(declaration, entry)]
    if not parts:
        raise FleximodalError(
            f"figure {declaration.name}: none of its cells was run, because the data of source "
            f"{declaration.source!r} are absent; provide them or set 'figure: false'"
        )
    return pd.concat(parts, ignore_index=True).astype({"n": "Int64", "prevalence": float})


def _cell_parts(declaration: TableDeclaration, entry: Mapping[str, Any]) -> list[pd.DataFrame]:
    stored = json.loads(Path(entry["curves"]).read_text(encoding="utf-8"))
    return [
        pd.DataFrame(
            {
                "table": declaration.name,
                "data": stored["data"],
                **entry["cell"],
                **{name: stored[name] for name in COUNTS},
                "panel": panel,
                "x": stored[panel][abscissa],
                "y": stored[panel][ordinate],
                "n": stored[panel].get("n"),
            }
        )
        for panel, (abscissa, ordinate) in PANELS.items()
    ]
