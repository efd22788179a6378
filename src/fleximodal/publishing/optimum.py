"""The best AUROC that any score can reach on generated data, where the truth is known."""

import json
from pathlib import Path

import pandas as pd

from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import SYNTHETIC

OPTIMUM = "auroc_optimum"
GAP = "auroc_gap"


def best_auroc(
    truth: Path | str, source: str, task: str, modalities: str, kind: str = "expected"
) -> float | None:
    """Return the best reachable AUROC of a task and a modality set, as a fraction.

    Parameters
    ----------
    truth
        truth.json of the generated source: {"optimum": {task: {modality set: {kind: value}}}}.
        Where a hospital is written in a second layout too, the truth of that one stands under its
        name: {"optimum": ..., "mimic3": {"optimum": ...}}.
    source, task, modalities
        Names; the set joined by +.
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
    stored = json.loads(Path(truth).read_text(encoding="utf-8"))
    of_source = stored.get(source.removeprefix(SYNTHETIC), stored)
    try:
        value = of_source["optimum"][task][modalities][kind]
    except KeyError:
        raise FleximodalError(
            f"{truth}: the optimum of source {source!r}, task {task!r}, modalities {modalities!r} "
            f"({kind}) is missing; generate the source again or remove 'optimum' from the "
            "declaration"
        ) from None
    return None if value is None else float(value)


def with_optimum(frame: pd.DataFrame, truth: Path | str) -> pd.DataFrame:
    """Fill in `auroc_optimum` and `auroc_gap` (optimum minus measured) of a table's methods.

    Every row of a cell gets the optimum, also where the data of the cell are absent.
    """
    keys = zip(frame["source"], frame["task"], frame["modalities"], strict=True)
    values = [
        best_auroc(truth, *key) if is_cell else None
        for key, is_cell in zip(keys, frame["variant"].notna(), strict=True)
    ]
    best = pd.Series(values, index=frame.index, dtype="float64")
    return frame.assign(**{OPTIMUM: best, GAP: best - frame["auroc_mean"].astype("float64")})
