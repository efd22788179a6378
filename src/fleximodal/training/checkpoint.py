"""The state of an unfinished training: one folder that is whole after every epoch."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fleximodal.io.atomic import atomic_path, write_json
from fleximodal.training.adam import Adam

PROGRESS = "progress.json"


@dataclass
class Progress:
    """How far a training has come; `last` and `best` name the files that belong to it."""

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    training_seconds: float = 0.0
    seconds: float = 0.0
    last: str = ""
    best: str = ""


class TrainingState:
    """Weights, moments and progress of one run, in `folder`.

    The tensors of an epoch go to files that carry its number; `progress.json` is then replaced in
    one step and names them, and only after that files of earlier epochs are removed. So whenever
    the process is killed, the folder holds one complete epoch. The best weights lie in a file of
    their own, which is written when they improve.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key

    def load(self) -> Progress:
        """Return the progress of a training with the same key, or that of a new one."""
        path = self.folder / PROGRESS
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored.pop("key") == self.key:
                return Progress(**stored)
        return Progress()

    def save(self, progress: Progress, model: nn.Module, optimizer: Adam) -> None:
        """Keep the state after `progress.epoch`; the weights are also the best if it says so."""
        progress.last = f"last-{progress.epoch}.safetensors"
        weights = _contiguous(model.state_dict())
        if progress.best_epoch == progress.epoch:
            progress.best = f"best-{progress.epoch}.safetensors"
            self._write(progress.best, weights)
        moments = {
            f"{index}/{name}": value
            for index, values in optimizer.state.items()
            for name, value in values.items()
        }
        self._write(
            progress.last,
            {f"model/{name}": value for name, value in weights.items()}
            | {f"optimizer/{name}": value for name, value in moments.items()},
        )
        write_json(self.folder / PROGRESS, {"key": self.key, **asdict(progress)})
        for path in self.folder.iterdir():
            if path.name not in (PROGRESS, progress.last, progress.best):
                path.unlink()

    def restore(self, progress: Progress, model: nn.Module, optimizer: Adam) -> None:
        """Put the weights and moments of the last complete epoch into `model` and `optimizer`."""
        device = next(model.parameters()).device
        stored = load_file(self.folder / progress.last, device=str(device))
        weights: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in stored.items():
            kind, _, name = key.partition("/")
            if kind == "model":
                weights[name] = value
            else:
                index, _, name = name.partition("/")
                moments.setdefault(int(index), {})[name] = value
        model.load_state_dict(weights)
        optimizer.restore(moments)

    def best_weights(self, progress: Progress) -> dict[str, Tensor]:
        """Return the weights of the best epoch, on the CPU."""
        return load_file(self.folder / progress.best)

    def _write(self, name: str, tensors: dict[str, Tensor]) -> None:
        with atomic_path(self.folder / name) as path:
            save_file(tensors, path)


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in tensors.items()}
