"""ECG samples between epochs: as 16-bit floats on disk as far as the space goes, else reread."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fleximodal.encoders.ecg_reader import LEADS, SAMPLES, read_ecg

_RECORD_BYTES = SAMPLES * len(LEADS) * 2
_UNREAD = -1
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
        folder.mkdir(parents=True, exist_ok=True)
        self._missing = _mapped(folder / "missing.i4", "<i4", (len(paths),), _UNREAD)
        self._samples = (
            _mapped(folder / "samples.f2", "<f2", (kept, SAMPLES, len(LEADS)), None)
            if kept
            else np.empty((0, SAMPLES, len(LEADS)), dtype="<f2")
        )

    @property
    def missing_samples(self) -> int:
        """Return the number of missing samples of all records read so far."""
        return int(self._missing[self._missing != _UNREAD].sum())

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Return records as (n, 4096, 12) float32 in mV."""
        batch = np.empty((len(indices), SAMPLES, len(LEADS)), dtype=np.float32)
        for place, index in enumerate(indices):
            batch[place] = self._record(int(index))
        return batch

    def _record(self, index: int) -> np.ndarray:
        keeps = index < len(self._samples)
        if keeps and self._missing[index] != _UNREAD:
            kept: np.ndarray = self._samples[index]
            return kept
        ecg = read_ecg(self._root / self._paths[index], f"row {self._rows[index]} of {self._table}")
        samples = ecg.signal.clip(-_LARGEST, _LARGEST).astype("<f2")
        if keeps:
            self._samples[index] = samples
        # Last, because it says that the samples are there.
        self._missing[index] = ecg.missing
        return samples


def _mapped(path: Path, kind: str, shape: tuple[int, ...], fill: int | None) -> np.ndarray:
    """Map a file that exists with the right size, or a new one."""
    size = np.dtype(kind).itemsize * int(np.prod(shape))
    if not path.is_file() or path.stat().st_size != size:
        new = np.memmap(path, dtype=kind, mode="w+", shape=shape)
        if fill is not None:
            new[:] = fill
        return new
    return np.memmap(path, dtype=kind, mode="r+", shape=shape)
