"""The trained models of a cell, read back with the data that they were trained on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fleximodal.cohorts.splits import read_splits
from fleximodal.config.training import Training
from fleximodal.dataset.packed import read_packed
from fleximodal.errors import FleximodalError
from fleximodal.io.seal import check
from fleximodal.methods.registry import settings_of
from fleximodal.methods.settings import MethodSettings
from fleximodal.training.cell import members_of
from fleximodal.training.member import Member


@dataclass(frozen=True)
class StoredCell:
    """A cell that was trained: its description, and its runs with their checkpoints."""

    description: dict[str, Any]
    settings: MethodSettings
    training: Training
    members: list[Member]
    folder: Path

    def runs(self) -> Iterator[tuple[Member, dict[str, Tensor]]]:
        """Yield each run with the tensors of its checkpoint.

        Raises
        ------
        FleximodalError
            If a checkpoint is absent, damaged or not what the training wrote.
        """
        for member in self.members:
            path = self.folder / "checkpoints" / f"{member.split}-{member.seed}.safetensors"
            check(path)
            try:
                yield member, load_file(path)
            except (OSError, SafetensorError):
                raise FleximodalError(
                    f"{path} is absent or damaged; delete the folder {self.folder} and train the "
                    "cell again"
                ) from None


def read_cell(folder: Path, *, dataset: Path, splits: Path, scalers: Path) -> StoredCell:
    """Open a cell's folder of results.

    Parameters
    ----------
    folder
        What `fleximodal.training.cell.train_cell` wrote.
    dataset, splits, scalers
        The inputs of that training.
    """
    description = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    settings = settings_of(description["method"], description["settings"])
    members = members_of(description, settings, read_packed(dataset), read_splits(splits), scalers)
    training = Training.model_validate(description["training"])
    return StoredCell(description, settings, training, members, folder)
