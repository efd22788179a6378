"""Time to open a packed dataset of the size of 25-PHE on MIMIC-IV, beside reading all its bytes.

A generated dataset with as many stays, observations, notes, radiographs and ECGs is written to a
temporary folder and deleted afterwards. Each reading runs in a fresh process, in turn.

Usage: `python benchmarks/load_packed.py [--stays N] [--rounds R]`
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fleximodal.dataset.packed import (
    FILE,
    Items,
    PackedDataset,
    Series,
    read_packed,
    write_packed,
)

STAYS = 73_173
ROWS, OBSERVATIONS = 200, 600  # per stay
# Items per stay and features: notes, radiographs and ECGs inside stays of MIMIC-IV 2.2.
ITEMS = {"notes": (282_788, 768), "cxr": (146_000, 1024), "ecg": (72_167, 256)}


def generate(folder: Path, stays: int) -> None:
    """Write the dataset."""
    random = np.random.default_rng(0)
    rows = stays * ROWS
    per_row = OBSERVATIONS // ROWS
    series = Series(
        name="vitals",
        channels=tuple(f"channel {number}" for number in range(30)),
        row_offsets=np.arange(stays + 1) * ROWS,
        hours=np.tile(np.linspace(0, 48, ROWS, dtype=np.float32), stays),
        observation_offsets=np.arange(rows + 1) * per_row,
        channel=np.tile(np.arange(30, dtype=np.int16), -(-rows * per_row // 30))[: rows * per_row],
        value=random.random(rows * per_row, dtype=np.float32),
    )
    modalities: dict[str, Series | Items] = {"vitals": series}
    for name, (count, width) in ITEMS.items():
        count = count * stays // STAYS
        modalities[name] = Items(
            name=name,
            features=tuple(f"{name}_{number}" for number in range(width)),
            row_offsets=np.linspace(0, count, stays + 1).astype(np.int64),
            hours=np.zeros(count, dtype=np.float32),
            features_array=random.random((count, width), dtype=np.float32),
        )
    dataset = PackedDataset(
        source="synthetic",
        task="25-PHE",
        horizon_hours=48.0,
        window_hours=None,
        labels=tuple(f"label {number}" for number in range(25)),
        stay_id=np.arange(stays),
        patient_id=np.arange(stays),
        label=random.integers(0, 2, (stays, 25)).astype(np.int8),
        modalities=modalities,
    )
    write_packed(dataset, folder)


def open_dataset(folder: Path) -> int:
    """Open and check the dataset as a training job does."""
    return read_packed(folder).num_stays


def read_bytes(folder: Path) -> int:
    """Read every byte of the file."""
    return len((folder / FILE).read_bytes())


READERS = {"fleximodal": open_dataset, "bytes": read_bytes}


def measure(reader: str, folder: Path) -> tuple[float, float]:
    """Run one reader in a fresh process; return seconds of reading and peak MB."""
    command = [sys.executable, __file__, "--reader", reader, "--folder", str(folder)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, peak = answer.stdout.split()
    return float(seconds), float(peak)


def main() -> None:
    """Generate, measure, print; or run the one reader that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stays", type=int, default=STAYS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reader", choices=sorted(READERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        began = time.perf_counter()
        READERS[options.reader](options.folder)
        seconds = time.perf_counter() - began
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    folder = Path(tempfile.mkdtemp(prefix="load_packed_"))
    try:
        generate(folder, options.stays)
        size = (folder / FILE).stat().st_size
        found: dict[str, list[tuple[float, float]]] = {reader: [] for reader in READERS}
        for _ in range(options.rounds):
            for reader in READERS:
                found[reader].append(measure(reader, folder))
    finally:
        shutil.rmtree(folder)
    seconds = {name: statistics.median(run[0] for run in runs) for name, runs in found.items()}
    peak = {name: max(run[1] for run in runs) for name, runs in found.items()}
    print(
        f"load_packed: {options.stays:,} stays, {size / 1e9:.2f} GB: opened and checked in "
        f"{seconds['fleximodal']:.2f} s (peak {peak['fleximodal']:,.0f} MB), all bytes read in "
        f"{seconds['bytes']:.2f} s (peak {peak['bytes']:,.0f} MB): ratio "
        f"{seconds['bytes'] / seconds['fleximodal']:.1f}"
    )


if __name__ == "__main__":
    main()
