"""A modality of one vector per subject: its three files, and what `modalities.json` says of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.io.space import reserve

_DTYPES = {np.dtype(np.float32): "F32", np.dtype(np.int8): "I8"}


def write_modality(
    folder: Path,
    name: str,
    stay_id: np.ndarray,
    features: pl.DataFrame,
    *,
    dtype: type[np.generic],
    scaling: str,
    shape: Sequence[int] | None = None,
) -> tuple[dict[str, Any], np.memmap]:
    """Write subjects and features, and make room for the vectors.

    Parameters
    ----------
    folder
        Folder of canonical tables.
    name
        Modality, which the files are named after.
    stay_id
        (R,) int64, ascending.
    features
        D rows: feature (text), categorical (bool) and, for a volume, place (i64).
    dtype
        Of the vectors: float32, NaN where unknown, or int8, -1 where unknown.
    scaling
        How values are brought to a common range: "range", "standard" or "pooled".
    shape
        Of the volume in which `place` counts.

    Returns
    -------
    dict, numpy.memmap
        The entry of `modalities.json`, and the vectors (R, D) in the file, zeros to be filled in.
    """
    table, vectors = f"{name}.parquet", f"{name}.safetensors"
    described = f"{name}_features.parquet"
    pl.DataFrame({"stay_id": stay_id}, schema={"stay_id": pl.Int64}).write_parquet(folder / table)
    features.write_parquet(folder / described)
    entry: dict[str, Any] = {
        "name": name,
        "kind": "table",
        "table": table,
        "vectors": vectors,
        "features": described,
        "scaling": scaling,
    }
    if shape is not None:
        entry["shape"] = list(shape)
    return entry, _map_tensor(folder / vectors, (len(stay_id), features.height), np.dtype(dtype))


def _map_tensor(path: Path, shape: tuple[int, int], dtype: np.dtype) -> np.memmap:
    """Return the tensor `vectors` of a new safetensors file, mapped, so that it may be large.

    The format is a length in 8 bytes (little endian), a JSON header of that length, then the data.
    """
    size = int(np.prod(shape)) * dtype.itemsize
    told = {"dtype": _DTYPES[dtype], "shape": list(shape), "data_offsets": [0, size]}
    header = json.dumps({"vectors": told}).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        reserve(file, 8 + len(header) + size)
    return np.memmap(path, dtype=dtype, mode="r+", offset=8 + len(header), shape=shape)
