"""The state of an unfinished training: one folder that is whole after every epoch."""

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fleximodal.io.atomic import atomic_path
from fleximodal.io.manifest import sha256_of
from fleximodal.io.signed import read_signed, write_signed
from fleximodal.training.adam import Adam

LOG = logging.getLogger("fleximodal.training")

PROGRESS = "progress.json"


@dataclass
class Progress:
    """How far a training has come; `last` and `best` name the files that belong to it.

    `digests` has the SHA-256 of these two.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    training_seconds: float = 0.0
    seconds: float = 0.0
    last: str = ""
    best: str = ""
    digests: dict[str, str] = field(default_factory=dict)


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
        if not path.exists():
            return Progress()
        stored = read_signed(path)
        if stored is None:
            return self._anew(path)
        if stored.pop("key") != self.key:
            return Progress()
        stored["history"] = [dict(row) for row in stored["history"]]
        progress = Progress(**stored)
        for name, digest in progress.digests.items():
            file = self.folder / name
            if not file.is_file() or sha256_of(file) != digest:
                return self._anew(file)
        return progress

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
        progress.digests = {
            name: progress.digests.get(name) or sha256_of(self.folder / name)
            for name in (progress.last, progress.best)
        }
        # The order of a row's keys is that of the columns of `history.csv`; JSON would sort them.
        rows = [list(row.items()) for row in progress.history]
        told = {"key": self.key, **asdict(progress), "history": rows}
        write_signed(self.folder / PROGRESS, told)
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

    def _anew(self, damaged: Path) -> Progress:
        LOG.warning("%s is damaged; training begins anew", damaged)
        return Progress()

    def _write(self, name: str, tensors: dict[str, Tensor]) -> None:
        with atomic_path(self.folder / name) as path:
            save_file(tensors, path)


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in tensors.items()}
