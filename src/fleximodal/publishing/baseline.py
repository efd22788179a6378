"""The row "Missingness only": what is told by which modalities are there, before any is read."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from fleximodal.errors import FleximodalError

MISSINGNESS = "Missingness only"


def missingness_values(path: Path | str, modalities: str) -> dict[str, Any] | None:
    """Return the AUROC of a logistic regression on the presence of modalities, over splits.

    Parameters
    ----------
    path
        leakage.json of the cells' source, task and protocol.
    modalities
        Modality set, joined by +.

    Returns
    -------
    dict or None
        `n_runs` (splits), `auroc_mean` and, for several splits, `auroc_sd`, as fractions; without
        the mean if a split has no AUROC, because its train or test part has one class only. None
        if the report has no such regression at all.

    Raises
    ------
    FleximodalError
        If the report has it for other modality sets alone.
    """
    report: Mapping[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    if "missingness_only" not in report:
        return None
    splits = report["missingness_only"].get(modalities)
    if not splits:
        raise FleximodalError(
            f"{path}: missingness_only has no entry {modalities!r}; check the leakage of this "
            "source and task again"
        )
    values = [split["auroc"] for split in splits.values()]
    row: dict[str, Any] = {"n_runs": len(values)}
    if None not in values:
        row["auroc_mean"] = fmean(values)
        if len(values) > 1:
            row["auroc_sd"] = stdev(values)
    return row
