"""Predictions of the trained models of a cell when data are missing at test time."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from fleximodal.dataset.packed import FILE
from fleximodal.io.atomic import atomic_folder
from fleximodal.io.manifest import write_manifest
from fleximodal.training.conditions import Condition, under
from fleximodal.training.functions import load_function
from fleximodal.training.member import Member
from fleximodal.training.outputs import predictions_of
from fleximodal.training.reproducible import repeatable
from fleximodal.training.stored import read_cell

LOG = logging.getLogger("fleximodal.training")
PART = "test"
FACTS = ("kind", "subset", "percent")


def predict_conditions(
    cell: Path,
    output: Path,
    conditions: Sequence[Condition],
    *,
    dataset: Path,
    splits: Path,
    scalers: Path,
    threads: int,
) -> None:
    """Score the test part with the stored models of a cell under each condition.

    `predictions.parquet` has the columns of a cell's predictions after `condition` (its name),
    `kind`, `subset` and `percent`; rows of the test part alone.

    Parameters
    ----------
    cell
        The cell's folder of results, with its checkpoints.
    output
        Folder to write, replaced as a whole.
    conditions
        What is taken away, one after another.
    dataset, splits, scalers
        The inputs of the cell's training.
    threads
        Threads of torch and XGBoost.

    Raises
    ------
    FleximodalError
        If a checkpoint is absent or damaged, or the method cannot score stays with one.
    """
    stored = read_cell(cell, dataset=dataset, splits=splits, scalers=scalers)
    settings = stored.settings
    method = stored.description["method"]
    score = load_function(getattr(settings, "scorer", ""), f"scorer of method {method!r}")
    frames = []
    with repeatable(threads):
        for member, tensors in stored.runs():
            for condition in conditions:
                changed = _member_under(member, condition)
                scores = score(changed, settings, stored.training, tensors, [PART])
                facts = [pl.lit(getattr(condition, name)).alias(name) for name in FACTS]
                name = pl.lit(condition.name).alias("condition")
                frames.append(predictions_of(changed, scores).select(name, *facts, pl.all()))
            LOG.info("%s: %d conditions", member.name, len(conditions))
    predictions = pl.concat(frames)
    with atomic_folder(output) as folder:
        predictions.write_parquet(folder / "predictions.parquet")
        write_manifest(
            folder,
            "predict_conditions",
            inputs=[cell / "run.json", dataset / FILE, splits, scalers],
            rows={"predictions.parquet": predictions.height},
            settings={
                "cell": stored.description,
                "conditions": [condition.name for condition in conditions],
            },
        )


def _member_under(member: Member, condition: Condition) -> Member:
    return replace(member, dataset=under(member.dataset, condition))
