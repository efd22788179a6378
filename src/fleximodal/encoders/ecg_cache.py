"""ECG samples between epochs: as 16-bit floats on disk as far as the space goes, else reread."""

import logging
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fleximodal.encoders.ecg_reader import LEADS, SAMPLES, read_ecg
from fleximodal.io.atomic import atomic_path
from fleximodal.io.space import reserve

LOGGER = logging.getLogger("fleximodal.encoders")

_RECORD_BYTES = SAMPLES * len(LEADS) * 2
# What a new file holds, so that no file, cut off as it may be, says that a record was read.
_UNREAD = 0
# Beyond it a 16-bit float is infinite. An ECG is some ten thousand times smaller.
_LARGEST = float(np.finfo(np.float16).max)


class ECGCache:
    """Records by index, from memory-mapped files in `folder` or from their own files.

    Samples are rounded to 16-bit floats (1 part in 2,048) whether they are kept or not, so that
    the training does not depend on the space. Reading is the slow part, so what a killed run
    has read is found again.
    """

    def __init__(
        self,
        folder: Path,
        root: Path,
        paths: Sequence[str],
        rows: Sequence[int],
        *,
        table: str,
        bytes_at_most: float,
    ) -> None:
        self._root = root
        self._paths = paths
        self._rows = rows
        self._table = table
        kept = int(min(len(paths), bytes_at_most // _RECORD_BYTES))
        # A killed run with other space left other samples; what it says it read isn't here.
        folder = folder / f"{kept}-of-{len(paths)}"
        folder.mkdir(parents=True, exist_ok=True)
        # A row per record: one more than the number of its missing samples, CRC of the samples
        # that are kept, CRC of these two.
        self._index = _mapped(folder / "read.u4", "<u4", (len(paths), 3))
        self._seen = np.zeros(kept, dtype=bool)
        self._file = folder / "samples.f2"
        self._samples = (
            _mapped(self._file, "<f2", (kept, SAMPLES, len(LEADS)))
            if kept
            else np.empty((0, SAMPLES, len(LEADS)), dtype="<f2")
        )
        for row, entry in enumerate(self._index):
            if entry.any() and entry[2] != _crc(entry[:2]):
                LOGGER.warning("%s: row %d is damaged; reading it again", folder / "read.u4", row)
                self._index[row] = _UNREAD
                self._record(row)

    @property
    def missing_samples(self) -> int:
        """Return the number of missing samples of all records read so far."""
        found = self._index[:, 0].astype(np.int64)
        return int((found[found != _UNREAD] - 1).sum())

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Return records as (n, 4096, 12) float32 in mV."""
        batch = np.empty((len(indices), SAMPLES, len(LEADS)), dtype=np.float32)
        for place, index in enumerate(indices):
            batch[place] = self._record(int(index))
        return batch

    def _record(self, index: int) -> np.ndarray:
        keeps = index < len(self._samples)
        if keeps and self._holds(index):
            kept: np.ndarray = self._samples[index]
            return kept
        ecg = read_ecg(self._root / self._paths[index], f"row {self._rows[index]} of {self._table}")
        samples = ecg.signal.clip(-_LARGEST, _LARGEST).astype("<f2")
        if keeps:
            self._samples[index] = samples
            self._seen[index] = True
        entry = np.array([ecg.missing + 1, _crc(samples) if keeps else 0], dtype="<u4")
        # Last, because it says that the samples are there.
        self._index[index] = [*entry, _crc(entry)]
        return samples

    def _holds(self, index: int) -> bool:
        """Return whether a record was read; what an earlier process left is looked at once."""
        if self._index[index, 0] == _UNREAD or self._seen[index]:
            return bool(self._seen[index])
        self._seen[index] = self._index[index, 1] == _crc(self._samples[index])
        if not self._seen[index]:
            LOGGER.warning("%s: record %d is damaged; reading it again", self._file, index)
        return bool(self._seen[index])


def _crc(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


def _mapped(path: Path, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Map a file that exists with the right size, or a new one of zeros."""
    size = np.dtype(kind).itemsize * int(np.prod(shape))
    if not path.is_file() or path.stat().st_size != size:
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            reserve(file, size)
    return np.memmap(path, dtype=kind, mode="r+", shape=shape)
