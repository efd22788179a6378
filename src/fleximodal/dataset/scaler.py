"""Scaling, fitted on the observed values of training stays alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fleximodal.cohorts.fitting import check_scalers, hash_of_stays
from fleximodal.cohorts.splits import read_splits
from fleximodal.dataset.packed import Items, PackedDataset, Series, Table, read_packed
from fleximodal.dataset.table_scaling import DEFAULT, Filling, TableScale, fit_table
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.io.manifest import write_manifest


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation (float64) per modality and channel, and whom they came from.

    Of a table they are what its scaling takes for them, and `fill`, in scaled units, is what stands
    in its unknown cells; see `fleximodal.dataset.table_scaling`.
    """

    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    stays_sha256: str
    n_stays: int = 0
    fill: dict[str, np.ndarray] = field(default_factory=dict)

    def of_table(self, name: str) -> TableScale:
        """Return the scale of a table."""
        return TableScale(self.mean[name], self.std[name], self.fill[name])


def fit_scaler(
    dataset: PackedDataset, train_index: np.ndarray, filling: Filling = DEFAULT
) -> Scaler:
    """Fit on the observed values of the stays at positions `train_index`.

    The deviation divides by n, as scikit-learn's StandardScaler. A channel without any observed
    training value has mean 0 and std 1; a constant one keeps its mean and has std 1. Tables have
    scalings of their own, and `filling` says what stands in their unknown cells.
    """
    chosen = np.zeros(dataset.num_stays, dtype=bool)
    chosen[train_index] = True
    mean, std, fill = {}, {}, {}
    for name, modality in dataset.modalities.items():
        if isinstance(modality, Table):
            rows = np.flatnonzero(np.repeat(chosen, np.diff(modality.row_offsets)))
            fitted = fit_table(modality, rows, filling)
            mean[name], std[name], fill[name] = fitted.mean, fitted.std, fitted.fill
        else:
            channel, value, size = _observed(modality, chosen)
            mean[name], std[name] = _moments(channel, value.astype(np.float64), size)
    return Scaler(mean, std, hash_of_stays(dataset.stay_id[chosen]), int(chosen.sum()), fill)


def _observed(modality: Series | Items, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return channel and value of each observed value of the chosen stays."""
    row_chosen = np.repeat(chosen, np.diff(modality.row_offsets))
    if isinstance(modality, Items):
        features = modality.features_array[row_chosen]
        _, channel = known = np.nonzero(~np.isnan(features))
        return channel, features[known], len(modality.features)
    kept = np.repeat(row_chosen, np.diff(modality.observation_offsets))
    return modality.channel[kept], modality.value[kept], len(modality.channels)


def _moments(channel: np.ndarray, value: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    count = np.maximum(np.bincount(channel, minlength=size), 1)
    mean = np.bincount(channel, weights=value, minlength=size) / count
    centred = value - mean[channel]
    std = np.sqrt(np.bincount(channel, weights=centred**2, minlength=size) / count)
    # Compared exactly: the rounding of the mean gives a constant channel a tiny deviation.
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, channel, value)
    np.maximum.at(high, channel, value)
    return mean, np.where(low < high, std, 1.0)


def write_scalers(path: Path, scalers: Mapping[str, Scaler]) -> None:
    """Write the scalers of all splits as JSON, at full precision."""
    write_json(path, {split: _to_json(scaler) for split, scaler in scalers.items()})


def read_scalers(path: Path) -> dict[str, Scaler]:
    """Return the scaler of each split.

    Raises
    ------
    FleximodalError
        If the file is absent.
    """
    scalers = {}
    for split, entry in _read_json(path).items():
        modalities = {name: part for name, part in entry.items() if isinstance(part, dict)}
        scalers[split] = Scaler(
            mean={name: np.array(part["mean"]) for name, part in modalities.items()},
            std={name: np.array(part["std"]) for name, part in modalities.items()},
            stays_sha256=entry["stays_sha256"],
            n_stays=entry["n_stays"],
            fill={
                name: np.array(part["fill"]) for name, part in modalities.items() if "fill" in part
            },
        )
    return scalers


def write_dataset_scalers(dataset_folder: Path, splits_parquet: Path, output_json: Path) -> None:
    """Fit one scaler per split and write them, with a manifest in the same folder.

    Raises
    ------
    FleximodalError
        If an input is absent, or a training stay is not in the dataset.
    LeakageError
        If a scaler was fitted on anything but the training stays of its split.
    """
    dataset, splits = read_packed(dataset_folder), read_splits(splits_parquet)
    scalers = {}
    for (split,), rows in splits.filter(part="train").group_by("split", maintain_order=True):
        scalers[str(split)] = fit_scaler(dataset, dataset.index_of(rows["stay_id"].to_numpy()))
    verdict = check_scalers(splits, {split: _to_json(one) for split, one in scalers.items()})
    write_scalers(output_json, scalers)
    write_manifest(
        output_json.parent,
        "fit_scalers",
        inputs=[dataset_folder / "dataset.safetensors", splits_parquet],
        rows={output_json.name: len(scalers)},
        settings={"gates": [verdict]},
    )


def _to_json(scaler: Scaler) -> dict[str, Any]:
    moments = {
        name: {"mean": scaler.mean[name].tolist(), "std": scaler.std[name].tolist()}
        | ({"fill": scaler.fill[name].tolist()} if name in scaler.fill else {})
        for name in scaler.mean
    }
    return {
        "fitted_on": "train",
        "stays_sha256": scaler.stays_sha256,
        "n_stays": scaler.n_stays,
        **moments,
    }


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; fit the scalers first.")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
