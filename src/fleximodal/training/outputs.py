"""The folder of results of a trained cell."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.dataset.packed import PackedDataset
from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest
from fleximodal.ranking import both_classes
from fleximodal.training.finished import FinishedRun
from fleximodal.training.member import Member

ROUTING = {
    "split": pl.String,
    "seed": pl.Int32,
    "layer": pl.String,
    "router": pl.String,
    "expert": pl.Int32,
    "mean_gate": pl.Float64,
}


def write_cell(
    output: Path,
    description: Mapping[str, Any],
    members: Sequence[Member],
    runs: Sequence[FinishedRun],
    machine: Mapping[str, Any],
    inputs: Sequence[Path],
) -> None:
    """Write everything about a cell at once; `output` is replaced as a whole.

    `predictions.parquet`: one row per run, part (val, test) and stay; with several labels lists of
    labels and scores, with several classes the number of the true one and a list of scores, the
    names in the file's metadata. `history.csv`: epochs, or
    points of the grid. `routing.csv`: mean gate weights over the test part. `run.json`: the
    description and what each run chose. `cost.json`: time and memory, the only file that differs
    between equal runs. `checkpoints/{split}-{seed}.safetensors`: the fitted models.

    Parameters
    ----------
    output
        The cell's folder.
    description
        The cell, its splits, seeds and settings.
    members, runs
        Each run and what it left, in the same order.
    machine
        Device and threads.
    inputs
        Files that were read, for the manifest.
    """
    pairs = list(zip(members, runs, strict=True))
    predictions = pl.concat(predictions_of(member, run.scores) for member, run in pairs)
    predictions = predictions.sort("split", "seed", "part", "stay_id")
    history = _rows(pairs, "history")
    routing = pl.DataFrame(_rows(pairs, "routing"), schema=ROUTING)
    with atomic_folder(output) as folder:
        predictions.write_parquet(
            folder / "predictions.parquet", metadata=label_metadata(members[0].dataset)
        )
        pl.DataFrame(history, infer_schema_length=None).write_csv(folder / "history.csv")
        routing.write_csv(folder / "routing.csv")
        chosen = [
            _name(member) | {"chosen": run.chosen} | _one_class(member) | _unseen(member)
            for member, run in pairs
        ]
        write_json(folder / "run.json", dict(description) | {"runs": chosen})
        write_json(folder / "cost.json", _cost(pairs, machine))
        (folder / "checkpoints").mkdir()
        for member, run in pairs:
            name = f"{member.split}-{member.seed}.safetensors"
            shutil.copyfile(run.weights, folder / "checkpoints" / name)
        write_manifest(
            folder,
            "train_cell",
            inputs=inputs,
            rows={
                "predictions.parquet": predictions.height,
                "history.csv": len(history),
                "routing.csv": routing.height,
            },
            settings=description,
        )


def _name(member: Member) -> dict[str, Any]:
    return {"split": member.split, "seed": member.seed}


def predictions_of(member: Member, scores: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Return one row per part and stay of a run, in the order of its scores."""
    stays = member.dataset
    parts = []
    for part, values in scores.items():
        positions = member.parts[part]
        frame = pl.DataFrame(
            {
                "stay_id": stays.stay_id[positions],
                "patient_id": stays.patient_id[positions],
                "label": _column(stays.label[positions], pl.Int8),
                "score": _column(values, pl.Float64),
            }
        )
        parts.append(
            frame.select(
                pl.lit(member.split).alias("split"),
                pl.lit(member.seed, pl.Int32).alias("seed"),
                pl.lit(part).alias("part"),
                pl.all(),
            )
        )
    return pl.concat(parts)


def label_metadata(dataset: PackedDataset) -> dict[str, str]:
    """Return what the metadata of predictions.parquet say: the names of the labels, as JSON."""
    return {"labels": json.dumps(dataset.labels)}


def _column(values: np.ndarray, kind: type[pl.DataType]) -> pl.Series:
    """Return a column of numbers (n,), or of lists (n, K) of labels or classes."""
    return pl.Series(values).cast(kind if values.ndim == 1 else pl.List(kind))


def _one_class(member: Member) -> dict[str, Any]:
    """Return, of several labels, those that take one value only in a part."""
    labels, names = member.dataset.label, member.dataset.labels
    if labels.ndim == 1:
        return {}
    both = {part: both_classes(labels[rows]) for part, rows in member.parts.items()}
    return {
        "labels_with_one_class": {
            part: [name for name, two in zip(names, kept, strict=True) if not two]
            for part, kept in both.items()
        }
    }


def _unseen(member: Member) -> dict[str, Any]:
    """Return, where there are any, how many stays without the cell's modalities are left out."""
    return {"stays_without_modality": member.unseen} if member.unseen else {}


def _rows(pairs: Sequence[tuple[Member, FinishedRun]], kind: str) -> list[dict[str, Any]]:
    return [_name(member) | row for member, run in pairs for row in getattr(run, kind)]


def _cost(
    pairs: Sequence[tuple[Member, FinishedRun]], machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the cost of each run, and of the cell: time summed, memory at its highest."""
    runs = [run.cost for _, run in pairs]
    cost: dict[str, Any] = dict(machine)
    cost["wall_seconds"] = sum(run["wall_seconds"] for run in runs)
    for key in ("parameters", "peak_memory_mb", "peak_process_memory_mb"):
        cost[key] = max(run[key] for run in runs)
    for key in ("seconds_per_epoch", "training_samples_per_second"):
        values = [run[key] for run in runs if key in run]
        cost[key] = sum(values) / len(values) if values else None
    return cost | {"runs": [_name(member) | run.cost for member, run in pairs]}
