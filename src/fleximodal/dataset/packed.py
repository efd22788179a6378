"""The packed dataset: ragged arrays of all stays of one task, memory-mapped from one file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fleximodal.dataset.ragged import Items, Series, Table
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_path
from fleximodal.io.manifest import write_manifest

__all__ = ["FILE", "Items", "PackedDataset", "Series", "Table", "read_packed", "write_packed"]

FILE = "dataset.safetensors"


@dataclass(frozen=True)
class PackedDataset:
    """All stays of one task; `stay_id`, `patient_id` (n,) int64, `label` (n,) or (n, K) int8.

    `horizon_hours` is the unit of the models' time axis and the end of the grid; `window_hours` the
    end of the observations, None for the whole stay. `labels` names the one event that `label` (n,)
    tells of, or the C > 2 classes of which it gives the number, or the K columns of (n, K).
    """

    source: str
    task: str
    horizon_hours: float
    window_hours: float | None
    labels: tuple[str, ...]
    stay_id: np.ndarray
    patient_id: np.ndarray
    label: np.ndarray
    modalities: dict[str, Series | Items]

    @property
    def num_stays(self) -> int:
        """Return the number of stays."""
        return len(self.stay_id)

    @property
    def num_classes(self) -> int:
        """Return the number of classes of a label: 2, or more if one of several is told."""
        return len(self.labels) if self.label.ndim == 1 and len(self.labels) > 1 else 2

    def select(self, modalities: Sequence[str]) -> "PackedDataset":
        """Return the same stays with the named modalities only, in the dataset's order."""
        unknown = [name for name in modalities if name not in self.modalities]
        if unknown:
            raise FleximodalError(
                f"Dataset {self.source}/{self.task} has no modality {', '.join(unknown)}; "
                f"it has {', '.join(self.modalities)}."
            )
        kept = {name: array for name, array in self.modalities.items() if name in modalities}
        return replace(self, modalities=kept)

    def index_of(self, stay_ids: np.ndarray | Sequence[int]) -> np.ndarray:
        """Return the positions (int64) of stays; an unknown stay is a FleximodalError."""
        wanted = np.asarray(stay_ids, dtype=np.int64)
        order = np.argsort(self.stay_id, kind="stable")
        found = np.searchsorted(self.stay_id, wanted, sorter=order)
        positions = order[np.minimum(found, self.num_stays - 1)]
        strange = wanted[self.stay_id[positions] != wanted]
        if len(strange):
            raise FleximodalError(
                f"{len(strange)} stays (first: {strange[0]}) are not in dataset "
                f"{self.source}/{self.task}; make the splits and the dataset from one cohort."
            )
        return positions


def write_packed(dataset: PackedDataset, output: Path, *, inputs: Sequence[Path] = ()) -> None:
    """Write `dataset.safetensors` and `manifest.json`; other files in `output` stay.

    `inputs` are the files that the manifest names as read.
    """
    arrays = {name: getattr(dataset, name) for name in ("stay_id", "patient_id", "label")}
    for name, modality in dataset.modalities.items():
        for key, array in modality.arrays().items():
            arrays[f"{name}/{key}"] = array
    with atomic_path(output / FILE) as path:
        save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, path)
    write_manifest(
        output,
        "pack_dataset",
        inputs=inputs,
        rows={key: len(array) for key, array in arrays.items()},
        settings={
            "source": dataset.source,
            "task": dataset.task,
            "horizon_hours": dataset.horizon_hours,
            "window_hours": dataset.window_hours,
            "labels": list(dataset.labels),
            "modalities": [modality.description() for modality in dataset.modalities.values()],
        },
    )


def read_packed(folder: Path) -> PackedDataset:
    """Open a packed dataset; arrays are memory-mapped, copy on write.

    Raises
    ------
    FleximodalError
        If a file is absent, damaged or does not match its manifest.
    """
    manifest_file, path = folder / "manifest.json", folder / FILE
    if not (manifest_file.is_file() and path.is_file()):
        raise FleximodalError(f"{folder} holds no packed dataset; build the dataset first.")
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    settings, rows = manifest["settings"], manifest["rows"]
    try:
        # The torch reader maps the file; the numpy reader would copy it.
        with safe_open(path, framework="pt") as file:
            arrays = {key: file.get_tensor(key).numpy() for key in sorted(file.keys())}
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    lengths = {key: len(array) for key, array in arrays.items()}
    if lengths != rows:
        wrong = sorted(
            key for key in rows.keys() | lengths.keys() if rows.get(key) != lengths.get(key)
        )
        raise _damaged(path, f"{', '.join(wrong)} differ from manifest.json")

    dataset = PackedDataset(
        source=settings["source"],
        task=settings["task"],
        horizon_hours=settings["horizon_hours"],
        window_hours=settings["window_hours"],
        labels=tuple(settings["labels"]),
        stay_id=arrays["stay_id"],
        patient_id=arrays["patient_id"],
        label=arrays["label"],
        modalities={entry["name"]: _modality(entry, arrays) for entry in settings["modalities"]},
    )
    for modality in dataset.modalities.values():
        fault = modality.fault(dataset.num_stays)
        if fault:
            raise _damaged(path, f"{modality.name}: {fault}")
    return dataset


def _modality(entry: dict[str, Any], arrays: dict[str, np.ndarray]) -> Series | Items:
    name = entry["name"]
    own = {key.split("/")[1]: array for key, array in arrays.items() if key.startswith(f"{name}/")}
    if entry["kind"] == "table":
        own["features_array"] = own.pop("features")
        shape = None if entry["shape"] is None else tuple(entry["shape"])
        return Table(name, tuple(entry["features"]), **own, scaling=entry["scaling"], shape=shape)
    if entry["kind"] == "items":
        own["features_array"] = own.pop("features")
        return Items(name, tuple(entry["features"]), **own)
    return Series(name, tuple(entry["channels"]), **own)


def _damaged(path: Path, what: str) -> FleximodalError:
    return FleximodalError(f"{path} is damaged ({what}); delete its folder and build it again.")
