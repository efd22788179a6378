"""Metrics of trained models when data are missing at test time, and of cells on common stays."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.bootstrap import interval_of
from fleximodal.evaluation.names import PAIRED_METRICS, data_kind
from fleximodal.evaluation.paired import PART, Replicated, difference, replicate, tests_of
from fleximodal.evaluation.predictions import RUN, prevalence_of, read_predictions
from fleximodal.io.atomic import write_json

INTACT = "intact"


def evaluate_conditions(
    cells: Sequence[tuple[Cell, Path | str]], output: Path | str, *, replicates: int, seed: int
) -> None:
    """Write, per cell and condition, metrics with intervals and the loss against intact data.

    Parameters
    ----------
    cells
        Cells, each with the file that `predict_conditions` wrote for it.
    output
        The JSON file. `metrics`: mean, sd (over runs) and 95 % interval of PAIRED_METRICS, means
        over labels or over classes, each against the rest; `loss`: intact minus condition with its
        interval. All conditions of a cell share the draws of patients, so that the interval of a
        loss is a paired one. None where a metric does not exist.
    replicates, seed
        Number of bootstrap resamples of patients, and the seed of their draw.

    Raises
    ------
    FleximodalError
        If a file cannot be read or does not hold the intact condition.
    """
    settings = {"replicates": replicates, "seed": seed}
    found = [_evaluate(cell, Path(path), replicates, seed) for cell, path in cells]
    write_json(output, {"bootstrap": settings, "cells": found})


def evaluate_common_test(
    cells: Sequence[tuple[Cell, Path | str]], output: Path | str, *, replicates: int, seed: int
) -> None:
    """Write the metrics of cells on the test stays that all of them have, per task.

    Parameters
    ----------
    cells
        Cells, each with its predictions.parquet; cells of one task and protocol are compared.
    output
        The JSON file: per cell `n_stays`, `n_patients`, `prevalence`, `runs` (split, seed and
        metrics) and `metrics` as for `evaluate_conditions`; the draws of patients are shared.
    replicates, seed
        As for `evaluate_conditions`.

    Raises
    ------
    FleximodalError
        If a file cannot be evaluated, or cells have no test stay in common.
    """
    entries = []
    groups = dict.fromkeys((cell.source, cell.task, cell.protocol) for cell, _ in cells)
    for group in groups:
        alike = {
            cell: read_predictions(path).filter(pl.col("part") == PART)
            for cell, path in cells
            if (cell.source, cell.task, cell.protocol) == group
        }
        common = reduce(
            lambda left, right: left.join(right, on=["split", "stay_id"], how="semi"),
            (frame.select("split", "stay_id").unique() for frame in alike.values()),
        )
        if common.is_empty():
            raise FleximodalError(
                f"task {group[1]}, protocol {group[2]}: {', '.join(c.path for c in alike)} have no "
                "test stay in common; train them on the same splits"
            )
        frames = {
            cell: frame.join(common, on=["split", "stay_id"], how="semi")
            for cell, frame in alike.items()
        }
        tests = {cell.path: tests_of(frame) for cell, frame in frames.items()}
        values = replicate(tests, PAIRED_METRICS, replicates=replicates, seed=seed)
        for cell, frame in frames.items():
            of_cell = {metric: values[metric][cell.path] for metric in PAIRED_METRICS}
            runs = [
                {"split": split, "seed": run_seed}
                | {
                    metric: _known(of_cell[metric].runs[split, run_seed])
                    for metric in PAIRED_METRICS
                }
                for split, run_seed in tests[cell.path]
            ]
            summaries = {metric: _summary(value) for metric, value in of_cell.items()}
            entries.append({**_head(cell, frame), "runs": runs, "metrics": summaries})
    settings = {"replicates": replicates, "seed": seed}
    write_json(output, {"bootstrap": settings, "cells": entries})


def _evaluate(cell: Cell, path: Path, replicates: int, seed: int) -> dict[str, Any]:
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise FleximodalError(f"{path}: not a readable Parquet file ({reason})") from None
    by_condition = {
        str(name): rows for (name,), rows in frame.group_by("condition", maintain_order=True)
    }
    if INTACT not in by_condition:
        raise FleximodalError(
            f"{path}: has no condition {INTACT!r}, which all others are held against; delete it"
        )
    tests = {name: tests_of(rows) for name, rows in by_condition.items()}
    values = replicate(tests, PAIRED_METRICS, replicates=replicates, seed=seed)
    conditions = [
        {
            "condition": name,
            **rows.select("kind", "subset", "percent").row(0, named=True),
            "metrics": {metric: _summary(values[metric][name]) for metric in PAIRED_METRICS},
            "loss": {metric: _loss(values[metric], name) for metric in PAIRED_METRICS},
        }
        for name, rows in by_condition.items()
    ]
    return {**_head(cell, by_condition[INTACT]), "conditions": conditions}


def _head(cell: Cell, tested: pl.DataFrame) -> dict[str, Any]:
    stays = tested.unique("stay_id")
    return {
        "cell": asdict(cell),
        "data": data_kind(cell.source),
        "n_runs": tested.select(RUN).n_unique(),
        "n_stays": len(stays),
        "n_patients": stays["patient_id"].n_unique(),
        "prevalence": prevalence_of(stays),
    }


def _summary(value: Replicated) -> dict[str, float | None]:
    runs = np.asarray(list(value.runs.values()))
    interval = interval_of(value.replicates)
    return {
        "mean": _known(value.mean),
        "sd": _known(float(runs.std(ddof=1))) if runs.size > 1 else None,
        "low": interval.low,
        "high": interval.high,
    }


def _loss(values: Mapping[str, Replicated], condition: str) -> dict[str, float | None]:
    apart = difference(values[INTACT], values[condition])
    return {"mean": apart.value, "low": apart.low, "high": apart.high}


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
