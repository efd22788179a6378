"""Runs of a cell that are done, kept until all of the cell's runs are."""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

from fleximodal.io.atomic import atomic_folder
from fleximodal.io.manifest import sha256_of
from fleximodal.io.signed import read_signed, write_signed
from fleximodal.training.member import Fitted

LOG = logging.getLogger("fleximodal.training")

WEIGHTS = "weights.safetensors"
KEY = "key.json"
DIGESTS = "digests.json"


@dataclass(frozen=True)
class FinishedRun:
    """What a run left: scores by part, JSON values, and the file of its weights."""

    scores: dict[str, np.ndarray]
    history: list[dict[str, Any]]
    chosen: dict[str, Any]
    routing: list[dict[str, Any]]
    cost: dict[str, Any]
    weights: Path


class CellState:
    """A folder of finished runs and of the state of the run under way.

    It belongs to one `key`, the hash of everything that decides the cell's result; what another
    key left there is discarded.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        path = folder / KEY
        found = read_signed(path)
        if found != {"key": key}:
            if found is None and path.exists():
                LOG.warning("%s is damaged; the cell is trained anew", path)
            self.remove()
            write_signed(path, {"key": key})

    def under_way(self, split: str, seed: int) -> Path:
        """Return the folder in which a trainer keeps what it needs to go on."""
        return self._folder / "under_way" / f"{split}-{seed}"

    def has(self, split: str, seed: int) -> bool:
        """Return whether a run is finished and undamaged; a damaged one is removed."""
        folder = self._finished(split, seed)
        if not folder.exists():
            return False
        digests = read_signed(folder / DIGESTS)
        if digests is not None and digests == _digests(folder):
            return True
        LOG.warning("%s is damaged; the run is trained again", folder)
        shutil.rmtree(folder)
        return False

    def load(self, split: str, seed: int) -> FinishedRun:
        """Return a finished run."""
        folder = self._finished(split, seed)
        stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        scores = load_file(folder / "scores.safetensors")
        return FinishedRun(scores=scores, weights=folder / WEIGHTS, **stored)

    def save(self, split: str, seed: int, fitted: Fitted, cost: dict[str, Any]) -> None:
        """Keep a finished run and drop its trainer's state."""
        with atomic_folder(self._finished(split, seed)) as folder:
            save_arrays(fitted.scores, folder / "scores.safetensors")
            save_file(fitted.tensors, folder / WEIGHTS)
            stored = {
                "history": fitted.history,
                "chosen": fitted.chosen,
                "routing": fitted.routing,
                "cost": cost,
            }
            # The order of a row's keys is that of the columns; write_json would sort them.
            text = json.dumps(stored, allow_nan=False)
            (folder / "run.json").write_text(text, encoding="utf-8")
            write_signed(folder / DIGESTS, _digests(folder))
        shutil.rmtree(self.under_way(split, seed), ignore_errors=True)

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _finished(self, split: str, seed: int) -> Path:
        return self._folder / "finished" / f"{split}-{seed}"


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.iterdir() if file.name != DIGESTS)
    return {file.name: sha256_of(file) for file in files}
