"""Pack tables: one vector per stay, from a matrix or from items of which a stay has one alone."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from fleximodal.cohorts.tables import Matrix, Modality, columns_of, scan_table
from fleximodal.dataset.places import Places
from fleximodal.dataset.ragged import SCALINGS, Items, Table
from fleximodal.errors import FleximodalError


def table_files(canonical: Path, modality: Modality) -> list[Path]:
    """Return the files of a modality of kind `table`: its rows, its matrix, its features."""
    matrix = _matrix(modality)
    return [canonical / name for name in (modality.table, matrix.vectors, matrix.features)]


def pack_table(canonical: Path, places: Places, modality: Modality) -> Table:
    """Return the rows of the cohort's stays in its order, float32 or int8 as they are stored.

    Raises
    ------
    FleximodalError
        If a file is absent or damaged, the files disagree, or a stay has two rows.
    """
    matrix = _matrix(modality)
    rows_file, vectors_file, features_file = table_files(canonical, modality)
    stays = scan_table(rows_file, ["stay_id"]).with_row_index("row").collect()
    placed = ["place"] if "place" in columns_of(features_file) else []
    features = scan_table(features_file, ["feature", "categorical", *placed]).collect()
    vectors = _vectors(vectors_file, modality.name)
    if vectors.shape != (stays.height, features.height):
        raise FleximodalError(
            f"{vectors_file} has {vectors.shape[0]} rows and {vectors.shape[1]} columns, but "
            f"{rows_file.name} {stays.height} rows and {features_file.name} {features.height}; "
            "build the canonical tables again."
        )
    if stays["stay_id"].n_unique() < stays.height:
        raise FleximodalError(
            f"{rows_file} has more than one row of a stay; build the canonical tables again."
        )
    chosen = (
        places.table.lazy()
        .join(stays.lazy(), on="stay_id", maintain_order="left")
        .select("position", "row")
        .sort("position")
        .collect()
    )
    table = Table(
        name=modality.name,
        features=tuple(features["feature"].to_list()),
        row_offsets=places.offsets(chosen["position"].to_numpy()),
        hours=np.zeros(chosen.height, dtype=np.float32),
        features_array=vectors[chosen["row"].to_numpy()],
        categorical=features["categorical"].to_numpy(),
        scaling=matrix.scaling,
        shape=matrix.shape,
        places=features["place"].to_numpy().astype(np.int64) if placed else None,
    )
    fault = table.fault(places.size)
    if fault:
        raise FleximodalError(
            f"{vectors_file}: modality {modality.name}: {fault}; build the canonical tables again."
        )
    return table


def as_table(items: Items) -> Table:
    """Return items of which a stay has one alone as a table; of several the last one counts."""
    last = np.diff(items.row_offsets) > 0
    rows = items.row_offsets[1:][last] - 1
    return Table(
        name=items.name,
        features=items.features,
        row_offsets=np.concatenate([[0], np.cumsum(last)]).astype(np.int64),
        hours=np.zeros(len(rows), dtype=np.float32),
        features_array=items.features_array[rows],
        categorical=np.zeros(len(items.features), dtype=bool),
        scaling="standard",
    )


def _matrix(modality: Modality) -> Matrix:
    if modality.matrix is None or modality.matrix.scaling not in SCALINGS:
        raise FleximodalError(
            f"modalities.json: modality {modality.name} of kind table needs vectors, features and "
            f"a scaling of {', '.join(SCALINGS)}; build the canonical tables again."
        )
    return modality.matrix


def _vectors(path: Path, name: str) -> np.ndarray:
    """Return the matrix of a file, mapped, not read."""
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; build the canonical tables first.")
    try:
        with safe_open(path, framework="pt") as tensors:
            vectors: np.ndarray = tensors.get_tensor("vectors").numpy()
    except SafetensorError as error:
        raise FleximodalError(
            f"{path} is damaged ({error}); build the canonical tables again."
        ) from error
    if vectors.ndim != 2 or vectors.dtype not in (np.float32, np.int8):
        raise FleximodalError(
            f"{path}: modality {name} is {vectors.dtype} of {vectors.ndim} dimensions; it must be "
            "a matrix of float32 or int8."
        )
    return vectors
