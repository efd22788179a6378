"""Small studies with tables: datasets in memory, and the canonical files they come from."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save_file

from fleximodal.dataset.packed import PackedDataset, Table

CLASSES = ("CN", "MCI", "dementia")


def table(
    name: str,
    values: np.ndarray,
    present: Sequence[bool] | np.ndarray,
    *,
    scaling: str = "range",
    categorical: Sequence[bool] | None = None,
) -> Table:
    """Return a table whose rows are those of the stays that are present, in order."""
    there = np.asarray(present, dtype=bool)
    size = values.shape[1]
    return Table(
        name=name,
        features=tuple(f"{name}{number}" for number in range(size)),
        row_offsets=np.concatenate([[0], np.cumsum(there)]).astype(np.int64),
        hours=np.zeros(int(there.sum()), dtype=np.float32),
        features_array=values[there],
        categorical=np.array([False] * size if categorical is None else categorical),
        scaling=scaling,
    )


def study(
    tables: Sequence[Table], label: np.ndarray, *, labels: Sequence[str] = CLASSES
) -> PackedDataset:
    """Return a dataset of subjects 1000, 1001, ... with these tables."""
    subjects = np.arange(1000, 1000 + len(label))
    return PackedDataset(
        source="synthetic-adni",
        task="diagnosis",
        horizon_hours=48.0,
        window_hours=None,
        labels=tuple(labels),
        stay_id=subjects,
        patient_id=subjects,
        label=label.astype(np.int8),
        modalities={one.name: one for one in tables},
    )


def write_modality(
    folder: Path,
    name: str,
    rows: dict[int, list[float]],
    *,
    dosages: bool = False,
    categorical: Sequence[bool] | None = None,
    **entry: object,
) -> dict[str, object]:
    """Write the three files of a modality, subject to values; return its entry."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = sorted(rows)
    values = np.array([rows[one] for one in ids], dtype=np.int8 if dosages else np.float32)
    size = values.shape[1]
    pl.DataFrame({"stay_id": ids}, schema={"stay_id": pl.Int64}).write_parquet(
        folder / f"{name}.parquet"
    )
    save_file({"vectors": values}, folder / f"{name}.safetensors")
    features = pl.DataFrame(
        {
            "feature": [f"{name}{number}" for number in range(size)],
            "categorical": [False] * size if categorical is None else list(categorical),
        }
    )
    if "shape" in entry:
        features = features.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64) * 2)
    features.write_parquet(folder / f"{name}_features.parquet")
    return {
        "name": name,
        "kind": "table",
        "table": f"{name}.parquet",
        "vectors": f"{name}.safetensors",
        "features": f"{name}_features.parquet",
        "scaling": "range",
        **entry,
    }


def write_subjects(
    folder: Path,
    subjects: list[tuple[int, int | None, str | None]],
    entries: list[dict[str, object]],
) -> Path:
    """Write stays.parquet (subject, diagnosis, why) and modalities.json of unit subject."""
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(
        [(one, one, diagnosis, why) for one, diagnosis, why in subjects],
        schema={
            "stay_id": pl.Int64,
            "patient_id": pl.Int64,
            "diagnosis": pl.Int8,
            "why": pl.String,
        },
        orient="row",
    ).write_parquet(folder / "stays.parquet")
    (folder / "modalities.json").write_text(json.dumps({"subject": entries}))
    (folder / "counts.json").write_text(json.dumps({"release": "r", "channels": "unknown"}))
    return folder
