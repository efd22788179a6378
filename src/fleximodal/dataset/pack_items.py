"""Pack items: descriptors that stand in a table, and vectors that an encoder made."""

from pathlib import Path

import numpy as np
import polars as pl
from safetensors import SafetensorError, safe_open

from fleximodal.cohorts.tables import Modality, scan_table
from fleximodal.dataset.places import Places
from fleximodal.dataset.ragged import Items
from fleximodal.errors import FleximodalError


def pack_items(path: Path, places: Places, modality: Modality) -> Items:
    """Return the features that stand as columns in the table `path`, known at admission.

    A row of nothing but unknown values is none.
    """
    columns = pl.col(list(modality.columns))
    features = columns.cast(pl.Float32).fill_null(float("nan"))
    rows = (
        scan_table(path, ["stay_id", *modality.columns])
        .filter(pl.any_horizontal(columns.is_not_null()))
        .join(places.table.lazy(), on="stay_id", how="inner", maintain_order="left")
        .select("position", features)
        .sort("position", maintain_order=True)
        .collect()
    )
    return Items(
        name=modality.name,
        features=modality.columns,
        row_offsets=places.offsets(rows["position"].to_numpy()),
        hours=np.zeros(rows.height, dtype=np.float32),
        features_array=rows.select(modality.columns).to_numpy(),
    )


def pack_vectors(folder: Path, places: Places, name: str) -> Items:
    """Return the vectors of `folder` (items.parquet, vectors.safetensors) within the window.

    Raises
    ------
    FleximodalError
        If a file is absent or damaged, the two disagree, or an item has no time.
    """
    table, file = folder / "items.parquet", folder / "vectors.safetensors"
    listed = scan_table(table, ["stay_id", "hours"]).with_row_index("row").collect()
    try:
        with safe_open(file, framework="pt") as tensors:
            vectors = tensors.get_tensor("vectors").numpy()
    except (OSError, SafetensorError) as error:
        raise FleximodalError(
            f"{file} is absent or damaged ({error}); delete {folder} and encode the items again."
        ) from error
    if len(vectors) != listed.height:
        raise FleximodalError(
            f"{folder}: items.parquet has {listed.height} rows and vectors.safetensors "
            f"{len(vectors)}; delete the folder and encode the items again."
        )
    untimed = listed.filter(~(pl.col("hours") >= 0)).height
    if untimed:
        raise FleximodalError(
            f"{table} has {untimed} items before admission or without a time; "
            "clean them when the canonical tables are made."
        )
    rows = (
        places.inside(listed.lazy().join(places.table.lazy(), on="stay_id"))
        .select("position", "hours", "row")
        .sort("position", "hours", "row")
        .collect()
    )
    return Items(
        name=name,
        features=tuple(f"{name}_{number}" for number in range(vectors.shape[1])),
        row_offsets=places.offsets(rows["position"].to_numpy()),
        hours=rows["hours"].cast(pl.Float32).to_numpy(),
        features_array=vectors[rows["row"].to_numpy()],
    )
