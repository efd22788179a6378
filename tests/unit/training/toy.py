"""A tiny cohort with a planted signal, and a tiny network to train on it."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from fleximodal.config.training import Training
from fleximodal.dataset.batch import Batch
from fleximodal.dataset.packed import Items, PackedDataset, Series, write_packed
from fleximodal.dataset.scaler import fit_scaler, write_scalers
from fleximodal.methods.settings import NetworkSettings
from fleximodal.models.output import ModelOutput
from fleximodal.training.member import Member

TRAINING = Training(epochs=3, batch_size=16, learning_rate=0.02, device="cpu")


def series(name: str, channels: int, stays: int, shift: np.ndarray, seed: int) -> Series:
    """Return a ragged series: up to 8 rows a stay, some stays without any, channels at random."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, 9, stays)
    hours = [np.sort(random.choice(48 * 60, size=count, replace=False)) / 60 for count in rows]
    seen = random.random((rows.sum(), channels)) < 0.6
    seen[np.arange(len(seen)), random.integers(0, channels, len(seen))] = True
    value = random.normal(size=seen.shape) + np.repeat(shift, rows)[:, None]
    return Series(
        name=name,
        channels=tuple(f"{name}{channel}" for channel in range(channels)),
        row_offsets=np.concatenate([[0], np.cumsum(rows)]),
        hours=np.concatenate(hours).astype(np.float32),
        observation_offsets=np.concatenate([[0], np.cumsum(seen.sum(axis=1))]),
        channel=np.nonzero(seen)[1].astype(np.int16),
        value=(50 + 7 * value[seen]).astype(np.float32),
    )


def cohort(stays: int = 160, *, signal: float = 1.5, seed: int = 0) -> PackedDataset:
    """Return stays whose first series and static features are shifted by `signal` if positive."""
    random = np.random.default_rng(seed)
    label = (random.random(stays) < 0.35).astype(np.int8)
    shift = signal * label
    features = random.normal(size=(stays, 3)) + shift[:, None]
    features[random.random(features.shape) < 0.2] = np.nan
    return PackedDataset(
        source="toy",
        task="48-IHM",
        horizon_hours=48.0,
        window_hours=48.0,
        labels=("death",),
        stay_id=np.arange(1000, 1000 + stays),
        patient_id=np.arange(5000, 5000 + stays),
        label=label,
        modalities={
            "vitals": series("vitals", 3, stays, shift, seed + 1),
            "labs": series("labs", 2, stays, 0 * shift, seed + 2),
            "static": Items(
                name="static",
                features=("age", "height", "weight"),
                row_offsets=np.arange(stays + 1),
                hours=np.zeros(stays, dtype=np.float32),
                features_array=features.astype(np.float32),
            ),
        },
    )


def parts_of(dataset: PackedDataset, shuffle: int) -> dict[str, np.ndarray]:
    """Return random train (60 %), val and test (20 % each) positions."""
    order = np.random.default_rng(shuffle).permutation(dataset.num_stays)
    bounds = [int(0.6 * len(order)), int(0.8 * len(order))]
    parts = zip(("train", "val", "test"), np.split(order, bounds), strict=True)
    return {part: np.sort(positions) for part, positions in parts}


def member(dataset: PackedDataset, *, split: str = "seed0", seed: int = 32) -> Member:
    """Return one run on `dataset`."""
    parts = parts_of(dataset, shuffle=0)
    return Member(dataset, split, seed, parts, fit_scaler(dataset, parts["train"]))


def write_inputs(folder: Path, dataset: PackedDataset, splits: tuple[str, ...]) -> dict[str, Path]:
    """Write what `train_cell` reads; return its arguments of the same names."""
    write_packed(dataset, folder / "dataset")
    frames, scalers = [], {}
    for number, split in enumerate(splits):
        parts = parts_of(dataset, shuffle=number)
        scalers[split] = fit_scaler(dataset, parts["train"])
        frames += [
            pl.DataFrame({"split": split, "stay_id": dataset.stay_id[positions], "part": part})
            for part, positions in parts.items()
        ]
    splits_file, scalers_file = folder / "splits.parquet", folder / "scalers.json"
    pl.concat(frames).sort("split", "stay_id").write_parquet(splits_file)
    write_scalers(scalers_file, scalers)
    return {"dataset": folder / "dataset", "splits": splits_file, "scalers": scalers_file}


def describe(method: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a cell on the toy cohort."""
    return {
        "source": "toy",
        "task": "48-IHM",
        "protocol": "seeded",
        "splits": ["seed0", "seed1"],
        "seeds": [32, 42],
        "modalities": "vitals+labs+static",
        "method": method,
        "cases": "all",
        "variant": "paper",
        "settings": settings,
        "training": TRAINING.model_dump(mode="json"),
    }


class ToySettings(NetworkSettings):
    """Settings of `Toy`; `poison` is the position of a stay whose logits are not numbers."""

    builder: ClassVar[str] = "tests.unit.training.toy:build_toy"

    noise: float = 0.1
    poison: int | None = None


class Toy(nn.Module):
    """Mean of each modality -> hidden layer -> logits, with noise, an auxiliary loss, routing."""

    def __init__(self, settings: ToySettings, sizes: list[int], num_outputs: int) -> None:
        super().__init__()
        self.settings = settings
        self.hidden = nn.Linear(sum(sizes), 8)
        self.drop = nn.Dropout(settings.dropout)
        self.out = nn.Linear(8, num_outputs)
        self.unused = nn.Parameter(torch.ones(2))

    def forward(self, batch: Batch) -> ModelOutput:
        means = []
        for modality in batch.modalities.values():
            mask = modality.mask if modality.mask.ndim == 3 else modality.mask[..., None]
            means.append((modality.values * mask).sum(1) / mask.sum(1).clamp(min=1))
        hidden = self.hidden(torch.cat(means, 1)).relu()
        if self.training:
            hidden = hidden + self.settings.noise * torch.randn_like(hidden)
        logits = self.out(self.drop(hidden))
        if self.settings.poison is not None:
            logits = logits.masked_fill((batch.index == self.settings.poison)[:, None], torch.nan)
        gates = torch.stack([hidden.detach().mean().abs(), hidden.new_tensor(1.0)])
        auxiliary: dict[str, Tensor] = {"size": 1e-3 * hidden.square().mean()}
        return ModelOutput(logits, auxiliary, {"layer0/joint": gates})


def build_toy(settings: ToySettings, modalities: Any, num_outputs: int) -> Toy:
    """Build `Toy`, as the settings' builder."""
    return Toy(settings, [modality.size for modality in modalities], num_outputs)
