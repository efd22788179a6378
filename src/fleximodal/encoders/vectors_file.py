"""A safetensors file of one matrix, written row by row without holding it in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fleximodal.io.space import reserve

VECTORS = "vectors"


@contextmanager
def vectors_file(path: Path, rows: int, features: int) -> Iterator[np.ndarray]:
    """Yield a writable (rows, features) float32 array that lies in `path` as tensor "vectors".

    The bytes are those that the safetensors library would write for the finished matrix.
    """
    size = rows * features * 4
    entry = {"dtype": "F32", "shape": [rows, features], "data_offsets": [0, size]}
    header = json.dumps({VECTORS: entry}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    start = 8 + len(header)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        reserve(file, start + size)
    if size == 0:
        yield np.empty((rows, features), dtype=np.float32)
        return
    array = np.memmap(path, dtype="<f4", mode="r+", offset=start, shape=(rows, features))
    try:
        yield array
        array.flush()
    finally:
        del array
