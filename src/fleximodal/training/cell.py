"""Train a cell: every split and seed of one method, in one process."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from fleximodal.cohorts.fitting import hash_of_stays
from fleximodal.cohorts.splits import read_splits
from fleximodal.config.training import Training
from fleximodal.dataset.packed import FILE, PackedDataset, read_packed
from fleximodal.dataset.scaler import Scaler, read_scalers
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import hash_of, sha256_of
from fleximodal.methods.registry import settings_of
from fleximodal.methods.settings import MethodSettings
from fleximodal.methods.variants import parse_variant
from fleximodal.training.controls import with_controls
from fleximodal.training.finished import CellState
from fleximodal.training.functions import load_function
from fleximodal.training.kept import kept_stays, without_modality
from fleximodal.training.member import Fitted, Member
from fleximodal.training.memory import peak_memory_mb, peak_process_mb
from fleximodal.training.outputs import write_cell
from fleximodal.training.reproducible import choose_device, repeatable

LOG = logging.getLogger("fleximodal.training")


def train_cell(
    description: Mapping[str, Any],
    *,
    dataset: Path,
    splits: Path,
    scalers: Path,
    output: Path,
    state: Path,
    threads: int,
    code: str = "",
) -> None:
    """Train all runs of a cell and write its folder of results at once.

    Runs that were finished before an interruption are not trained again. A method whose settings
    say that it is not seeded is run with the first seed only.

    Parameters
    ----------
    description
        What `fleximodal.config.cells.describe` returns: the cell, its splits, seeds, settings and
        the `training` section.
    dataset
        Folder of the packed dataset.
    splits, scalers
        `splits.parquet` and `scalers.json` of the protocol.
    output
        Folder of the results, see `fleximodal.training.outputs`; replaced as a whole.
    state
        Folder for what an interruption must not lose; removed at the end.
    threads
        Threads of torch and XGBoost.
    code
        Fingerprint of the code; what was begun with other code is begun anew.

    Raises
    ------
    FleximodalError
        If the method, a modality, a split or a stay is unknown, the scaler was fitted on other
        stays, or training fails in a way the user can mend.
    """
    settings = settings_of(description["method"], description["settings"])
    training = Training.model_validate(description["training"])
    train = load_function(settings.trainer, f"trainer of method {description['method']!r}")
    device = choose_device(training.device)
    members = members_of(description, settings, read_packed(dataset), read_splits(splits), scalers)
    inputs = [dataset / FILE, splits, scalers]
    key = hash_of([dict(description), {path.name: sha256_of(path) for path in inputs}, code])
    kept = CellState(state, key)

    runs = []
    with repeatable(threads):
        for number, member in enumerate(members, start=1):
            told = f"run {number} of {len(members)}, {member.name}"
            if not kept.has(member.split, member.seed):
                LOG.info("%s", told)
                began = time.perf_counter()
                under_way = kept.under_way(member.split, member.seed)
                fitted = train(member, settings, training, state=under_way, log=LOG)
                cost = _cost(fitted, time.perf_counter() - began, device)
                kept.save(member.split, member.seed, fitted, cost)
            else:
                LOG.info("%s: done before", told)
            runs.append(kept.load(member.split, member.seed))

    machine = {"device": device.type, "threads": threads}
    write_cell(output, description, members, runs, machine, inputs)
    kept.remove()


def members_of(
    description: Mapping[str, Any],
    settings: MethodSettings,
    whole: PackedDataset,
    splits: pl.DataFrame,
    scalers: Path,
) -> list[Member]:
    """Return the runs of a cell: every split, every seed; parameters as for `train_cell`.

    Raises
    ------
    FleximodalError
        If a modality, a split or a stay is unknown, or a scaler was fitted on other stays.
    """
    known = read_scalers(scalers)
    seeds = description["seeds"] if settings.seeded else description["seeds"][:1]
    packed = whole.select(description["modalities"].split("+"))
    packed = with_controls(packed, parse_variant(description["variant"]).controls)
    members = []
    for split in description["splits"]:
        rows = splits.filter(split=split)
        if rows.is_empty() or split not in known:
            there = sorted(set(splits["split"]) & set(known))
            raise FleximodalError(
                f"split {split!r} is not in both splits.parquet and {scalers}, which have "
                f"{', '.join(there)}; make the splits and the scalers again"
            )
        stays = {
            part: rows.filter(part=part)["stay_id"].sort().to_numpy()
            for part in ("train", "val", "test")
        }
        _check_scaler(known[split], stays["train"], split, scalers)
        parts = {part: packed.index_of(ids) for part, ids in stays.items()}
        unseen = without_modality(packed)
        left_out = {part: int(unseen[rows].sum()) for part, rows in parts.items()}
        if any(left_out.values()):
            LOG.info(
                "split %s: stays without %s left out: %s",
                split,
                " and ".join(packed.modalities),
                ", ".join(f"{number} of {part}" for part, number in left_out.items()),
            )
        parts = kept_stays(
            whole,
            parts,
            cases=description["cases"],
            overlong=getattr(settings, "overlong", "truncate"),
            limit=description["training"].get("max_rows"),
            unseen=unseen,
        )
        told = left_out if unseen.any() else {}
        members += [Member(packed, split, seed, parts, known[split], told) for seed in seeds]
    return members


def _check_scaler(scaler: Scaler, stays: np.ndarray, split: str, path: Path) -> None:
    if scaler.stays_sha256 != hash_of_stays(stays):
        raise FleximodalError(
            f"the scaler of split {split!r} in {path} was fitted on other stays than the split's "
            "training part; fit the scalers again"
        )


def _cost(fitted: Fitted, seconds: float, device: torch.device) -> dict[str, float]:
    """Return time, parameters and the largest memory so far, of the GPU if it is used, in MB."""
    cost = dict(fitted.cost)
    return {
        "wall_seconds": seconds + cost.pop("resumed_seconds", 0.0),
        "parameters": fitted.parameters,
        "peak_memory_mb": peak_memory_mb(device),
        "peak_process_memory_mb": peak_process_mb(),
        **cost,
    }
