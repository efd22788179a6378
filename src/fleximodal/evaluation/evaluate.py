"""From the stored predictions of one cell to its metrics and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.config.cells import Cell
from fleximodal.evaluation.bootstrap import TestPart, bootstrap_intervals
from fleximodal.evaluation.curves import curves_of
from fleximodal.evaluation.metrics import best_f1_threshold, measure
from fleximodal.evaluation.names import METRICS, data_kind
from fleximodal.evaluation.predictions import RUN, parts_of_run, read_predictions
from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest

PART = "test"


def evaluate_cell(
    predictions: Path | str,
    output: Path | str,
    *,
    cell: Mapping[str, str],
    replicates: int,
    seed: int,
) -> None:
    """Write metrics.json, curves.json and manifest.json of a cell into the folder `output`.

    Parameters
    ----------
    predictions
        predictions.parquet of the cell: split, seed, part, stay_id, patient_id, label, score.
    output
        Folder that is replaced as a whole; nothing of a single stay is written to it.
    cell
        source, task, protocol, modalities, method and variant.
    replicates, seed
        Number of bootstrap resamples of patients, and the seed of their draw.

    Raises
    ------
    FleximodalError
        If the file cannot be evaluated (see `read_predictions`), or if a part of a run is absent
        or has one class only.
    """
    named = Cell(**cell)
    frame = read_predictions(predictions)
    tests, runs = [], []
    for (split, run_seed), rows in frame.group_by(*RUN, maintain_order=True):
        test, run = _evaluate_run(rows, named, str(split), int(str(run_seed)))
        tests.append(test)
        runs.append(run)
    tested = frame.filter(pl.col("part") == PART)
    head = {
        "cell": asdict(named),
        "data": data_kind(named.source),
        "part": PART,
        "n_runs": len(runs),
        "n_stays": tested["stay_id"].n_unique(),
        "n_patients": tested["patient_id"].n_unique(),
        "prevalence": float(tested.unique("stay_id")["label"].to_numpy().mean()),
    }
    settings = {"replicates": replicates, "seed": seed}
    summary = _summarise(runs, tests, **settings)
    with atomic_folder(output) as folder:
        write_json(
            folder / "metrics.json",
            {**head, "runs": runs, "summary": summary, "bootstrap": settings},
        )
        write_json(folder / "curves.json", {**head, **curves_of(tests)})
        write_manifest(
            folder,
            "evaluate_cell",
            inputs=[predictions],
            rows={Path(predictions).name: len(frame)},
            settings={"cell": asdict(named), "bootstrap": settings},
        )


def _evaluate_run(
    rows: pl.DataFrame, cell: Cell, split: str, seed: int
) -> tuple[TestPart, dict[str, Any]]:
    parts = parts_of_run(rows, cell, split, seed)
    val, test = parts["val"], parts[PART]
    threshold = best_f1_threshold(val["label"].to_numpy(), val["score"].cast(pl.Float64).to_numpy())
    part = TestPart(
        patient_id=test["patient_id"].to_numpy(),
        labels=test["label"].to_numpy(),
        scores=test["score"].cast(pl.Float64).to_numpy(),
        threshold=threshold,
    )
    values, reasons = measure(part.labels, part.scores, threshold)
    return part, {
        "split": split,
        "seed": seed,
        "threshold": threshold,
        "n_stays": len(test),
        "n_patients": test["patient_id"].n_unique(),
        "prevalence": float(part.labels.mean()),
        "metrics": values,
        "undefined": reasons,
    }


def _summarise(
    runs: Sequence[Mapping[str, Any]], tests: Sequence[TestPart], *, replicates: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Return mean, sample standard deviation and interval of each metric; null if undefined."""
    intervals = bootstrap_intervals(tests, replicates=replicates, seed=seed)
    summary: dict[str, dict[str, Any]] = {}
    for name in METRICS:
        values = [run["metrics"][name] for run in runs]
        if None in values:
            empty = dict.fromkeys(("mean", "sd", "low", "high"))
            why = next(run["undefined"][name] for run in runs if name in run["undefined"])
            summary[name] = {**empty, "undefined_replicates": replicates, "reason": why}
            continue
        interval = intervals[name]
        summary[name] = {
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
            "low": interval.low,
            "high": interval.high,
            "undefined_replicates": interval.undefined,
        }
    return summary
