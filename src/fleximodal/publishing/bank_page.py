"""The table beside figure 4 of Flex-MoE: what a bank of missing modalities holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fleximodal.evaluation.names import is_synthetic
from fleximodal.publishing.figure_bank import numbers, overlap_words
from fleximodal.publishing.figure_declaration import FigureDeclaration
from fleximodal.publishing.figure_inputs import FigureInputs
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.numbers import NONE, extent, rounded
from fleximodal.publishing.page import Page
from fleximodal.publishing.printed_declaration import LAYOUT
from fleximodal.publishing.views import data_words

USED = {True: "read by training stays", False: "read by none (initial values)"}
# What is told of a modality's cells: heading, places.
DISTANCES = {
    "relative": ("Distance to encoder outputs / their spread", 2),
    "length": ("Length / that of encoder outputs", 2),
}
PROBES = {
    "as_own": "Called its own modality by a probe of encoder tokens",
    "modality": "Modality told by a probe of bank tokens",
    "combination": "Combination told by a probe of bank tokens",
}
COLUMNS = ("figure", "source", "data", "task", "method", "variant", "n_runs", "quantity", "of",
           "used", "cells", "value", "sd", "chance")  # fmt: skip


def write_bank(declaration: FigureDeclaration, inputs: FigureInputs, folder: Path | str) -> None:
    """Write the table as CSV, Markdown, LaTeX and HTML into `folder`."""
    frame = bank_numbers(declaration, inputs)
    words = overlap_words(numbers(declaration, inputs))
    write_page(frame, page_of_bank(frame, declaration, words), folder)


def bank_numbers(declaration: FigureDeclaration, inputs: FigureInputs) -> pd.DataFrame:
    """Return a row per quantity and of what it is, means and deviations over runs.

    `relative` and `length` are those of `fleximodal.training.flex_trace_bank.bank_distances`, per
    modality; `as_own`, `modality`, `combination` and `encoder` accuracies of the probes, as
    fractions; `class_alone` and `class_combination` accuracies of the commonest class.
    """
    rows: list[dict[str, Any]] = []
    for result in inputs.results:
        if result.stored is None:
            continue
        runs = result.stored["runs"]
        head = {"figure": declaration.name, **result.head, "n_runs": len(runs)}
        rows += [{**head, **row} for row in _rows(runs)]
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    floats = dict.fromkeys(("value", "sd", "chance"), float)
    return frame.astype(floats).astype({"n_runs": "Int64", "cells": "Int64"})


def page_of_bank(frame: pd.DataFrame, declaration: FigureDeclaration, overlap: str) -> Page:
    """Return what a reader sees: distances per modality, then the probes."""
    layout = f" ({LAYOUT})" if is_synthetic(declaration.source) else ""
    words = [declaration.caption.strip()]
    if len(frame):
        runs = extent(frame["n_runs"])
        words.append(
            f"Numbers from {data_words(declaration.source)}; mean ± sample standard deviation over "
            f"{runs} run(s), training stays. A cell at distance 1 is the mean of what the encoder "
            "gives for the modality, and no cell can be nearer. Probes are linear and read single "
            "tokens, in cross-validation; the chance is the share of the commonest answer."
        )
        words += [overlap] if overlap else []
    return Page(
        name=declaration.name,
        title=f"{declaration.title}; what the bank holds{layout}",
        view=_distance_view(frame),
        caption=" ".join(words),
        more=(("Probes: accuracy (%), with chance", _probe_view(frame)),),
    )


def _rows(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    traced = [run["bank"] for run in runs if run["bank"] is not None]
    rows: list[dict[str, Any]] = []
    for first in traced[0]["distances"] if traced else []:
        key = (first["modality"], first["used"])
        found = [
            part
            for bank in traced
            for part in bank["distances"]
            if (part["modality"], part["used"]) == key
        ]
        for quantity in DISTANCES:
            told = _spread([part[quantity] for part in found])
            rows.append(
                {"quantity": quantity, "of": key[0], "used": key[1], "cells": first["cells"]} | told
            )
    if traced:
        values = [bank["probe"]["encoder"] for bank in traced]
        rows.append({"quantity": "encoder"} | _spread(values))
    for used, name in ((True, "used"), (False, "unused")):
        parts = [bank["probe"][name] for bank in traced]
        for quantity in PROBES if parts else ():
            values, chances = _probe_values([part[quantity] for part in parts])
            told = _spread(values) | {"chance": _spread(chances)["value"]}
            rows.append({"quantity": quantity, "used": used, "cells": parts[0]["cells"]} | told)
    for name in ("alone", "combination"):
        classes = [run["class_of_combination"] for run in runs]
        values = [one[name] for one in classes if one is not None]
        rows.append({"quantity": f"class_{name}"} | _spread(values))
    return rows


def _probe_values(found: list[Any]) -> tuple[list[float | None], list[float | None]]:
    """Return accuracies and chances of a probe; that of encoder tokens has no chance stored."""
    told = [one if isinstance(one, dict) else {"accuracy": one} for one in found]
    return [one.get("accuracy") for one in told], [one.get("chance") for one in told]


def _spread(values: list[Any]) -> dict[str, float | None]:
    known = [value for value in values if value is not None]
    if not known:
        return {"value": None, "sd": None}
    deviation = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return {"value": float(np.mean(known)), "sd": deviation}


def _distance_view(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame[frame["quantity"].isin(list(DISTANCES))]
    view = []
    for (modality, used), found in rows.groupby(["of", "used"], sort=False):
        line = {"Modality": str(modality), "Cells": USED[bool(used)]}
        line["Number"] = str(found["cells"].iloc[0])
        for quantity, (heading, places) in DISTANCES.items():
            line[heading] = _shown(found[found["quantity"] == quantity].iloc[0], places)
        view.append(line)
    headings = ["Modality", "Cells", "Number", *(heading for heading, _ in DISTANCES.values())]
    return pd.DataFrame(view, columns=headings)


def _probe_view(frame: pd.DataFrame) -> pd.DataFrame:
    def lines(name: str, words: str, cells: Callable[[Any], str]) -> list[dict[str, str]]:
        return [
            {
                "What is told": words,
                "Cells": cells(row["used"]),
                "Accuracy (%)": _shown(row, 1, 100),
                "Chance (%)": NONE if pd.isna(row["chance"]) else rounded(row["chance"], 1, 100),
            }
            for _, row in frame[frame["quantity"] == name].iterrows()
        ]

    view = lines("encoder", "Modality of encoder tokens", lambda _: NONE)
    for name, words in PROBES.items():
        view += lines(name, words, lambda used: USED[bool(used)])
    view += lines("class_alone", "Class, by the commonest alone", lambda _: NONE)
    view += lines("class_combination", "Class, by the commonest of the combination", lambda _: NONE)
    headings = ["What is told", "Cells", "Accuracy (%)", "Chance (%)"]
    return pd.DataFrame(view, columns=headings)


def _shown(row: "pd.Series[Any]", places: int, scale: int = 1) -> str:
    if pd.isna(row["value"]):
        return NONE
    spread = "" if pd.isna(row["sd"]) else f" ± {rounded(row['sd'], places, scale)}"
    return rounded(row["value"], places, scale) + spread
