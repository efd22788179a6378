"""Made-up metrics and predictions of cells, stored where the graph stores them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.config.cell import Cell
from fleximodal.evaluation.names import METRICS

HEAD = {"n_stays": 300, "n_patients": 250, "prevalence": 0.12, "bootstrap": {"replicates": 200}}
STAYS = 400


def store_metrics(
    root: Path, cell: Cell, mean: float, sd: float | None = 0.004, runs: int = 3
) -> Path:
    """Write metrics.json with one mean for all metrics but the AUROC of 0/1 predictions."""
    path = root / "metrics" / cell.path / "metrics.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"mean": mean, "sd": sd, "low": mean - 0.02, "high": mean + 0.02}
    summary: dict[str, Mapping[str, Any]] = dict.fromkeys(METRICS, values)
    summary["auroc_hard"] = {**values, "mean": mean - 0.1}
    path.write_text(json.dumps({**HEAD, "n_runs": runs, "summary": summary}))
    return path


def store_predictions(
    root: Path, cell: Cell, gain: float, *, labels: int = 1, seeds: tuple[int, ...] = (32, 42)
) -> Path:
    """Write predictions.parquet; the greater the gain, the better the scores.

    The labels and most of the noise are those of the stay, so that cells are alike.
    """
    stays = np.random.default_rng(5)
    truth = stays.random((STAYS, labels)) < 0.3
    hardness = stays.normal(size=truth.shape)
    frames = []
    for seed in seeds:
        noise = np.random.default_rng([seed, len(cell.method)]).normal(size=truth.shape)
        scores = 1 / (1 + np.exp(1 - gain * truth - hardness - 0.3 * noise))
        columns: dict[str, Any] = {
            "split": ["stay0"] * STAYS,
            "seed": [seed] * STAYS,
            "part": ["test"] * STAYS,
            "stay_id": np.arange(STAYS),
            "patient_id": np.arange(STAYS) // 2,
        }
        if labels == 1:
            columns |= {"label": truth[:, 0].astype(np.int8), "score": scores[:, 0]}
        else:
            columns |= {"label": truth.astype(np.int8).tolist(), "score": scores.tolist()}
        frames.append(pl.DataFrame(columns))
    path = root / "runs" / cell.path / "predictions.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.concat(frames).write_parquet(path)
    return path


Gain = Callable[[Cell], float]
