"""A declared table as a frame: a row per cell, then the published values of others."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from fleximodal.config.cell import ALL_CASES
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.names import data_kind
from fleximodal.publishing.baseline import MISSINGNESS, missingness_values
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.optimum import known_optima, optimum_columns, with_optimum

MEASURED = "measured"
ABSENT = "not run: data absent"
PUBLISHED = "published"
STATISTICS = ("mean", "sd", "low", "high")
COUNTS = ("n_runs", "n_stays", "n_patients")
INTEGERS = (*COUNTS, "bootstrap_replicates", "parameters")


def columns_of(metrics: Sequence[str], optima: Sequence[str] = ()) -> list[str]:
    """Return the columns of a table with these metrics, and the optima of some of them."""
    return [
        *("table", "source", "data", "task", "protocol", "cases"),
        *("modalities", "method", "variant"),
        *("status", *COUNTS, "prevalence", "bootstrap_replicates"),
        *(f"{metric}_{statistic}" for metric in metrics for statistic in STATISTICS),
        *(column for metric in optima for column in optimum_columns(metric)),
        *("train_seconds", "peak_memory_mb", "parameters", "device", "reference", "note"),
    ]


def build_table(
    declaration: TableDeclaration,
    cells: Sequence[Mapping[str, Any]],
    peers: pd.DataFrame | None = None,
    truth: Path | str | None = None,
) -> pd.DataFrame:
    """Gather the rows of a table.

    Parameters
    ----------
    declaration
        The table.
    cells
        In row order: "cell" (the fields of a `Cell`) and the paths
        "metrics" (metrics.json) and "cost" (cost.json), both None where the data of the cell are
        absent. Where they have the key "leakage" (leakage.json, or None) and AUROC is among the
        metrics, the methods of each modality set are followed by a row "Missingness only", unless
        the report does not have it.
    peers
        What `read_peers` returned for `declaration.peers`.
    truth
        truth.json of the generated source; needed for `declaration.optimum`.

    Returns
    -------
    pandas.DataFrame
        Metrics as fractions at full precision; what does not exist is missing. `status` is
        "measured", "not run: data absent" or "published". A table with the optimum is sorted by
        method, so that each method is read over the modality sets.

    Raises
    ------
    FleximodalError
        If leakage.json or truth.json lacks a modality set, or is needed and not given.
    """
    rows: list[dict[str, Any]] = []
    for _, alike in groupby(cells, key=_without_method):
        group = list(alike)
        rows += [_cell_row(declaration, entry) for entry in group]
        # Among complete cases presence says nothing.
        everyone = declaration.cases == ALL_CASES
        if everyone and "leakage" in group[0] and "auroc" in declaration.metrics:
            rows += _missingness_rows(declaration, group)
    if declaration.optimum:
        order = [*declaration.methods, MISSINGNESS]
        rows.sort(key=lambda row: order.index(row["method"]))
    if peers is not None:
        rows += [_peer_row(declaration, peer) for peer in peers.to_dict("records")]
    optima = known_optima(declaration.source, declaration.metrics) if declaration.optimum else []
    frame = pd.DataFrame(rows, columns=columns_of(declaration.metrics, optima))
    if declaration.optimum:
        if truth is None:
            raise FleximodalError(
                f"table {declaration.name}: its optimum needs truth.json of source "
                f"{declaration.source!r}; give the file or set 'optimum: false'"
            )
        frame = with_optimum(frame, truth, optima)
    return frame.astype({**dict.fromkeys(INTEGERS, "Int64"), "prevalence": float})


def measured_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of cells that were run: neither published nor the row of missingness."""
    return frame[(frame["status"] == MEASURED) & (frame["method"] != MISSINGNESS)]


def _without_method(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(value for name, value in entry["cell"].items() if name != "method")


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


def _missingness_rows(
    declaration: TableDeclaration, group: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the row of one modality set, absent where all its cells are; none if none was made."""
    cell = group[0]["cell"]
    row = {
        "table": declaration.name,
        "data": data_kind(cell["source"]),
        **cell,
        "method": MISSINGNESS,
        "variant": None,
    }
    if all(entry["metrics"] is None for entry in group):
        return [{**row, "status": ABSENT}]
    report = group[0]["leakage"]
    if report is None:
        raise FleximodalError(
            f"table {declaration.name}: no leakage.json of source {cell['source']!r}, task "
            f"{cell['task']!r} and protocol {cell['protocol']!r}; check the leakage of these first"
        )
    values = missingness_values(report, cell["modalities"])
    return [] if values is None else [{**row, "status": MEASURED, **values}]


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
