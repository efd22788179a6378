"""A comparison on the same data as a frame: a row per cell and metric."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.config.cell import Cell
from fleximodal.evaluation.names import data_kind
from fleximodal.evaluation.paired import Difference, difference, replicate_files
from fleximodal.publishing.comparison_declaration import (
    CHANCE,
    GAIN,
    NO_GAIN,
    NOT_CHANCE,
    Comparison,
    noise_of,
    shuffles,
)
from fleximodal.publishing.table import ABSENT, MEASURED

REFERENCE = "reference"
HIGHER, LOWER, SAME = "higher", "lower", "no difference found"
COIN = 0.5  # AUROC of a score that knows nothing
COUNTS = ("n_runs", "n_stays", "n_patients")
STATISTICS = ("mean", "sd", "low", "high")
COLUMNS = (
    *("table", "source", "data", "task", "protocol", "cases", "modalities", "method", "variant"),
    *("against_modalities", "against_variant", "against_method", "against_cases"),
    *("status", *COUNTS, "prevalence"),
    *("bootstrap_replicates", "metric", *STATISTICS, "difference", "difference_low"),
    *("difference_high", "p_patients", "p_seeds", "n_pairs", "verdict"),
)
INTEGERS = (*COUNTS, "bootstrap_replicates", "n_pairs")


def build_comparison(
    declaration: Comparison, cells: Sequence[Mapping[str, Any]], *, replicates: int, seed: int
) -> pd.DataFrame:
    """Gather the rows of a comparison, metrics as fractions.

    `verdict` is "higher" or "lower" if the 95 % interval of the paired difference leaves out zero,
    else "no difference found"; for shuffled labels, whether the interval of the AUROC holds 0.5;
    for a modality of noise, whether the interval of the AUROC's difference from having no such
    modality reaches zero or below. Other metrics of such controls have no verdict.

    Parameters
    ----------
    declaration
        The comparison.
    cells
        In the order of its cells: "cell", "metrics" (metrics.json) and "predictions"
        (predictions.parquet), both None where data are absent.
    replicates, seed
        Number of resamples of patients, and the seed of their draw.

    Raises
    ------
    FleximodalError
        If predictions cannot be evaluated.
    """
    metrics = {Cell(**entry["cell"]): entry["metrics"] for entry in cells}
    files = {
        Cell(**entry["cell"]).path: entry["predictions"]
        for entry in cells
        if entry["predictions"] is not None
    }
    found = replicate_files(files, declaration.metrics, replicates=replicates, seed=seed)
    rows = []
    for cell, against in declaration.rows():
        told = _told(metrics[cell])
        for metric in declaration.metrics:
            of_cells = found.get(metric, {})
            apart = None
            if against is not None and {cell.path, against.path} <= of_cells.keys():
                apart = difference(of_cells[cell.path], of_cells[against.path])
            rows.append(_row(declaration, cell, against, told, metric, apart))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({**dict.fromkeys(INTEGERS, "Int64"), "prevalence": float})


def _told(path: str | None) -> dict[str, Any] | None:
    return None if path is None else json.loads(Path(path).read_text(encoding="utf-8"))


def _row(
    declaration: Comparison,
    cell: Cell,
    against: Cell | None,
    told: Mapping[str, Any] | None,
    metric: str,
    apart: Difference | None,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "table": declaration.name,
        "data": data_kind(cell.source),
        **vars(cell),
        "metric": metric,
    }
    if against is not None:
        names = ("modalities", "variant", "method", "cases")
        row |= {f"against_{name}": getattr(against, name) for name in names}
    if told is None:
        return {**row, "status": ABSENT, "verdict": ABSENT}
    summary = told["summary"][metric]
    row |= {
        "status": MEASURED,
        **{name: told[name] for name in (*COUNTS, "prevalence")},
        "bootstrap_replicates": told["bootstrap"]["replicates"],
        **{name: summary[name] for name in STATISTICS},
    }
    if apart is not None:
        row |= {
            "difference": apart.value,
            "difference_low": apart.low,
            "difference_high": apart.high,
            **{name: getattr(apart, name) for name in ("p_patients", "p_seeds", "n_pairs")},
        }
    return {**row, "verdict": _verdict(cell, against, metric, summary, apart)}


def _verdict(
    cell: Cell,
    against: Cell | None,
    metric: str,
    summary: Mapping[str, float | None],
    apart: Difference | None,
) -> str | None:
    if against is None:
        return REFERENCE
    control = shuffles(cell.variant) or noise_of(cell.variant) is not None
    # Others depend on a threshold, and may rise where nothing is told from anything.
    if control and metric != "auroc":
        return None
    if shuffles(cell.variant):
        low, high = summary["low"], summary["high"]
        if low is None or high is None:
            return None
        return CHANCE if low <= COIN <= high else NOT_CHANCE
    if apart is None or apart.low is None or apart.high is None:
        return None
    if noise_of(cell.variant) is not None:
        return NO_GAIN if apart.low <= 0 else GAIN
    return HIGHER if apart.low > 0 else LOWER if apart.high < 0 else SAME
