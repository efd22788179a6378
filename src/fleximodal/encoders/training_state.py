"""The state of an unfinished training of the autoencoder: one file, whole after every epoch."""

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from fleximodal.encoders.content import with_digest, without_digest
from fleximodal.io.atomic import atomic_path

LOGGER = logging.getLogger("fleximodal.encoders")

FILE = "epoch.safetensors"


@dataclass
class Progress:
    """How far a training has come."""

    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    learning_rate: float = 0.0
    without_progress: int = 0

    @property
    def epoch(self) -> int:
        """Return the number of finished epochs."""
        return len(self.history)


class TrainingState:
    """Weights, best weights and moments of Adam; found again only under the same key."""

    def __init__(self, folder: Path, key: str) -> None:
        self._path = folder / FILE
        self._key = key

    def save(
        self,
        progress: Progress,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        best: dict[str, Tensor],
    ) -> None:
        """Replace the state by that after `progress.epoch`."""
        moments = {
            f"{index}/{name}": value
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        parts = {"model": model.state_dict(), "best": best, "moment": moments}
        tensors = {
            f"{part}/{name}": value.detach().cpu().contiguous().clone()
            for part, values in parts.items()
            for name, value in values.items()
        }
        note = {"key": self._key, "progress": json.dumps(asdict(progress))}
        with atomic_path(self._path) as path:
            save_file(tensors, path, with_digest(_arrays(tensors), note))

    def load(
        self, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[Progress, dict[str, Tensor]] | None:
        """Bring model and optimizer to the last finished epoch; None where there is no such."""
        if not self._path.is_file():
            return None
        try:
            with safe_open(self._path, framework="pt") as file:
                stored = {name: file.get_tensor(name) for name in file.keys()}
                note = without_digest(_arrays(stored), file.metadata())
        except SafetensorError:
            note = None
        if note is None:
            LOGGER.warning("%s is damaged; training begins anew", self._path)
        if note is None or note["key"] != self._key:
            return None
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "moment": {}}
        for key, value in stored.items():
            part, _, name = key.partition("/")
            parts[part][name] = value
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in parts["moment"].items():
            index, _, name = key.partition("/")
            moments.setdefault(int(index), {})[name] = value
        model.load_state_dict(parts["model"])
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        return Progress(**json.loads(note["progress"])), parts["best"]


def _arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in tensors.items()}
