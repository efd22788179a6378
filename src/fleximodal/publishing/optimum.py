"""The best that any score can reach on generated data, where the truth is known."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.combination_names import letters_of
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import SYNTHETIC

OPTIMUM = "auroc_optimum"
GAP = "auroc_gap"
STUDY = "adni"
OF_STUDY = {"auroc": "macro_auroc", "accuracy": "accuracy"}  # our metric: name in truth.json


def known_optima(source: str, metrics: Sequence[str]) -> list[str]:
    """Return the metrics whose optimum is known for a generated source."""
    known = tuple(OF_STUDY) if source.removeprefix(SYNTHETIC) == STUDY else ("auroc",)
    return [metric for metric in metrics if metric in known]


def optimum_columns(metric: str) -> tuple[str, str]:
    """Return the columns of the optimum of a metric, and of what is missing to it."""
    return f"{metric}_optimum", f"{metric}_gap"


def best_value(
    truth: Path | str, cell: Mapping[Any, Any], metric: str = "auroc", kind: str = "expected"
) -> float | None:
    """Return the best reachable value of a metric, as a fraction.

    Parameters
    ----------
    truth
        truth.json of the generated source: {"optimum": {task: {modality set: {kind: AUROC}}}}.
        Where a hospital is written in a second layout too, the truth of that one stands under its
        name: {"optimum": ..., "mimic3": {"optimum": ...}}. That of a generated study of
        Alzheimer's disease: {"optimum": {"sets": {initials: {stays: {metric: {kind: value}}}}}},
        `stays` being "complete" for the protocol whose test stays have every modality, else "some".
    cell
        `source`, `task`, `protocol` and `modalities`, the set joined by +.
    metric
        One of `known_optima`.
    kind
        "expected" over the generator's draws of the label, or "sample", in the labels drawn.

    Returns
    -------
    float or None
        None where truth.json says null: not defined in the labels drawn.

    Raises
    ------
    FleximodalError
        If the file does not hold the value.
    """
    release = cell["source"].removeprefix(SYNTHETIC)
    place = [cell["task"], cell["modalities"], kind]
    if release == STUDY:
        stays = "complete" if cell["protocol"] == "complete-test" else "some"
        letters = letters_of(cell["modalities"].split("+"))
        place = ["sets", letters, stays, OF_STUDY[metric], kind]
    stored = json.loads(Path(truth).read_text(encoding="utf-8"))
    value = stored.get(release, stored)
    try:
        for name in ("optimum", *place):
            value = value[name]
    except KeyError:
        raise FleximodalError(
            f"{truth}: the optimum of source {cell['source']!r}, task {cell['task']!r}, modalities "
            f"{cell['modalities']!r} ({metric}, {kind}) is missing; generate the source again or "
            "remove 'optimum' from the declaration"
        ) from None
    return None if value is None else float(value)


def with_optimum(frame: pd.DataFrame, truth: Path | str, metrics: Sequence[str]) -> pd.DataFrame:
    """Fill in the optimum and the gap (optimum minus measured) of metrics of a table's methods.

    Every row of a cell gets the optimum, also where the data of the cell are absent.
    """
    is_cell = frame["variant"].notna()
    columns: dict[str, Any] = {}
    for metric in metrics:
        values = [
            best_value(truth, row, metric) if cell else None
            for row, cell in zip(frame.to_dict("records"), is_cell, strict=True)
        ]
        best = pd.Series(values, index=frame.index, dtype="float64")
        optimum, gap = optimum_columns(metric)
        columns |= {optimum: best, gap: best - frame[f"{metric}_mean"].astype("float64")}
    return frame.assign(**columns)
