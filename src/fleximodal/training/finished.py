"""Runs of a cell that are done, kept until all of the cell's runs are."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.training.member import Fitted

WEIGHTS = "weights.safetensors"
KEY = "key.json"


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
        if not path.exists() or json.loads(path.read_text(encoding="utf-8")) != key:
            self.remove()
            write_json(path, key)

    def under_way(self, split: str, seed: int) -> Path:
        """Return the folder in which a trainer keeps what it needs to go on."""
        return self._folder / "under_way" / f"{split}-{seed}"

    def has(self, split: str, seed: int) -> bool:
        """Return whether a run is finished."""
        return self._finished(split, seed).exists()

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
        shutil.rmtree(self.under_way(split, seed), ignore_errors=True)

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _finished(self, split: str, seed: int) -> Path:
        return self._folder / "finished" / f"{split}-{seed}"
