"""Finished batches of an unfinished encoding, one file per batch."""

import hashlib
import json
import logging
import shutil
from collections import Counter
from pathlib import Path

import polars as pl
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fleximodal import __version__
from fleximodal.encoders.content import with_digest, without_digest
from fleximodal.encoders.encoder import Encoded, ItemEncoder
from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_path
from fleximodal.io.manifest import hash_of

LOGGER = logging.getLogger("fleximodal.encoders")


class Shards:
    """Batches by the digest of encoder, items and contents, in `state/batches`.

    A batch is found again only if nothing that its vectors depend on has changed.
    """

    def __init__(self, state: Path, encoder: ItemEncoder) -> None:
        self._state = state
        self._folder = state / "batches"
        self._encoder = encoder
        self._encoder_digest = hash_of([dict(encoder.description), encoder.features, __version__])

    def key(self, batch: pl.DataFrame) -> str:
        """Return the name of the batch's file."""
        total = hashlib.sha256(self._encoder_digest.encode())
        for stay, item in batch.select("stay_id", "item_id").iter_rows():
            total.update(f"{stay}\0{item}\0".encode())
        total.update(self._encoder.digest(batch))
        return total.hexdigest()

    def holds(self, key: str, rows: int) -> bool:
        """Return whether the batch is there, undamaged and of this many rows."""
        path = self._path(key)
        if not path.is_file():
            return False
        found = _read(path)
        if found is None:
            LOGGER.warning("%s is damaged; encoding its batch again", path)
        return found is not None and found.vectors.shape == (rows, self._encoder.features)

    def save(self, key: str, encoded: Encoded) -> None:
        """Keep a batch."""
        tensors = {"vectors": encoded.vectors}
        note = with_digest(tensors, {"counts": json.dumps(dict(encoded.counts))})
        with atomic_path(self._path(key)) as path:
            save_file(tensors, path, note)

    def load(self, key: str) -> Encoded:
        """Return a batch that is held.

        Raises
        ------
        FleximodalError
            If its file was changed since.
        """
        found = _read(self._path(key))
        if found is None:
            raise FleximodalError(
                f"{self._path(key)} was damaged while the job ran; remove it and run snakemake "
                "again"
            )
        return found

    def remove(self) -> None:
        """Remove all batches, and the state's folder if nothing else is in it."""
        remove_state(self._state, self._folder)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.safetensors"


def remove_state(state: Path, part: Path) -> None:
    """Remove `part` of `state`, and `state` itself if that leaves it empty."""
    shutil.rmtree(part, ignore_errors=True)
    if state.is_dir() and not any(state.iterdir()):
        state.rmdir()


def _read(path: Path) -> Encoded | None:
    """Return a batch; None if the file was changed after it was written."""
    try:
        with safe_open(path, framework="np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            note = without_digest(tensors, file.metadata())
    except SafetensorError:
        return None
    if note is None:
        return None
    return Encoded(tensors["vectors"], Counter(json.loads(note["counts"])))
