"""A declared table as a frame: one row per cell, then the published values of others."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.evaluation.names import data_kind
from fleximodal.publishing.declaration import TableDeclaration

MEASURED = "measured"
ABSENT = "not run: data absent"
PUBLISHED = "published"
STATISTICS = ("mean", "sd", "low", "high")
COUNTS = ("n_runs", "n_stays", "n_patients")
INTEGERS = (*COUNTS, "bootstrap_replicates", "parameters")


def columns_of(metrics: Sequence[str]) -> list[str]:
    """Return the columns of a table with these metrics."""
    return [
        *("table", "source", "data", "task", "protocol", "modalities", "method", "variant"),
        *("status", *COUNTS, "prevalence", "bootstrap_replicates"),
        *(f"{metric}_{statistic}" for metric in metrics for statistic in STATISTICS),
        *("train_seconds", "peak_memory_mb", "parameters", "device", "reference", "note"),
    ]


def build_table(
    declaration: TableDeclaration,
    cells: Sequence[Mapping[str, Any]],
    peers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Gather the rows of a table.

    Parameters
    ----------
    declaration
        The table.
    cells
        In row order: "cell" (source, task, protocol, modalities, method, variant) and the paths
        "metrics" (metrics.json) and "cost" (cost.json), both None where the data are absent.
    peers
        What `read_peers` returned for `declaration.peers`.

    Returns
    -------
    pandas.DataFrame
        Metrics as fractions at full precision; what does not exist is missing. `status` is
        "measured", "not run: data absent" or "published".
    """
    rows = [_cell_row(declaration, entry) for entry in cells]
    if peers is not None:
        rows += [_peer_row(declaration, peer) for peer in peers.to_dict("records")]
    frame = pd.DataFrame(rows, columns=columns_of(declaration.metrics))
    return frame.astype(dict.fromkeys(INTEGERS, "Int64"))


def _read(path: Path | str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _cell_row(declaration: TableDeclaration, entry: Mapping[str, Any]) -> dict[str, Any]:
    cell = entry["cell"]
    row = {"table": declaration.name, "data": data_kind(cell["source"]), **cell}
    if entry["metrics"] is None:
        return {**row, "status": ABSENT}
    measured, cost = _read(entry["metrics"]), _read(entry["cost"])
    return {
        **row,
        "status": MEASURED,
        **{name: measured[name] for name in (*COUNTS, "prevalence")},
        "bootstrap_replicates": measured["bootstrap"]["replicates"],
        **{
            f"{metric}_{statistic}": measured["summary"][metric][statistic]
            for metric in declaration.metrics
            for statistic in STATISTICS
        },
        "train_seconds": cost["wall_seconds"],
        **{name: cost[name] for name in ("peak_memory_mb", "parameters", "device")},
    }


def _peer_row(declaration: TableDeclaration, peer: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "table": declaration.name,
        "source": declaration.source,
        "data": data_kind(declaration.source),
        "task": declaration.task,
        "status": PUBLISHED,
        **{name: peer[name] for name in ("method", "protocol", "reference", "note")},
        **{f"{metric}_mean": peer[metric] for metric in declaration.metrics if metric in peer},
    }
