"""Predictions of a made-up cell, as the training floor stores them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CELL = {
    "source": "synthetic-physionet2012",
    "task": "48-IHM",
    "protocol": "official",
    "cases": "all",
    "modalities": "vitals+labs",
    "method": "Concat",
    "variant": "paper",
}


def predictions(
    splits: tuple[str, ...] = ("official",), seeds: tuple[int, ...] = (1, 2), stays: int = 120
) -> pd.DataFrame:
    """Return val and test rows; labels belong to the stay, scores to stay, split and seed."""
    labels = np.random.default_rng(0).random(4 * stays) < 0.3
    frames = []
    for number, split in enumerate(splits):
        order = np.random.default_rng(number).permutation(4 * stays)
        for seed in seeds:
            generator = np.random.default_rng([number, seed])
            for part, rows in (("val", order[:stays]), ("test", order[stays : 2 * stays])):
                noise = generator.normal(size=stays)
                frames.append(
                    pd.DataFrame(
                        {
                            "split": split,
                            "seed": np.int32(seed),
                            "part": part,
                            "stay_id": 700_000 + np.sort(rows),
                            "patient_id": 300_000 + np.sort(rows) // 2,
                            "label": labels[np.sort(rows)].astype(np.int8),
                            "score": 1 / (1 + np.exp(1 - 2 * labels[np.sort(rows)] - noise)),
                        }
                    )
                )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def cell() -> dict[str, str]:
    return dict(CELL)


@pytest.fixture
def make_predictions() -> Callable[..., pd.DataFrame]:
    return predictions


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    def store(frame: pd.DataFrame) -> Path:
        path = tmp_path / "predictions.parquet"
        frame.to_parquet(path, index=False)
        return path

    return store
