"""Small canonical tables, encoders and files for the tests of the encoders."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from fleximodal.encoders.encoder import Encoded, ItemEncoder, digest_of
from fleximodal.encoders.items import KEYS, ORDER

LEADS = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]


def write_items(table: Path, /, **columns: Sequence[Any]) -> Path:
    """Write a table of items, two per stay, one hour apart."""
    count = len(next(iter(columns.values())))
    frame = pl.DataFrame(
        {
            "stay_id": [1000 + index // 2 for index in range(count)],
            "patient_id": [100 + index // 4 for index in range(count)],
            "item_id": [f"item-{index:04d}" for index in range(count)],
            "hours": [float(index % 2) for index in range(count)],
            **columns,
        },
        schema_overrides=KEYS,
    )
    table.parent.mkdir(parents=True, exist_ok=True)
    frame.sort(ORDER).write_parquet(table)
    return table


def texts(count: int) -> list[str]:
    """Return texts of many lengths; number 3 is empty."""
    lengths = np.random.default_rng(0).integers(1, 40, count)
    return [
        "" if number == 3 else " ".join(f"word{(number * 7 + k) % 23}" for k in range(length))
        for number, length in enumerate(lengths)
    ]


class DigestEncoder(ItemEncoder):
    """Eight numbers from the SHA-256 of a text; remembers what it was given."""

    features = 8

    def __init__(self, batch_size: int = 4, name: str = "digest") -> None:
        self.batch_size = batch_size
        self.description = {"encoder": name, "weights": "none"}
        self.batches: list[list[int]] = []

    def digest(self, batch: pl.DataFrame) -> bytes:
        return digest_of(batch["text"])

    def cost(self, window: pl.DataFrame) -> np.ndarray:
        return window["text"].str.len_bytes().to_numpy()

    def encode(self, batch: pl.DataFrame) -> Encoded:
        self.batches.append(batch["row"].to_list())
        result = Encoded(np.stack([vector_of(text) for text in batch["text"]]))
        result.counts["texts"] += batch.height
        return result


def vector_of(text: str) -> np.ndarray:
    """Return the vector that DigestEncoder gives a text."""
    digest = hashlib.sha256(text.encode()).digest()[:8]
    return np.frombuffer(digest, dtype=np.uint8).astype(np.float32)


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_jpeg(path: Path, seed: int, size: tuple[int, int] = (300, 260)) -> None:
    """Write a grey JPEG of smooth noise, (width, height)."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 10), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path, quality=90)


def write_record(
    path: Path,
    millivolts: np.ndarray,
    *,
    leads: Sequence[str] = LEADS,
    frequency: int = 500,
    unit: str = "mV",
) -> None:
    """Write (n, leads) as a WFDB record of format 16 with 200 steps per mV; NaN is a gap."""
    counts = np.where(np.isnan(millivolts), -32768, np.round(np.nan_to_num(millivolts) * 200))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".dat").write_bytes(counts.astype("<i2").tobytes())
    name = path.name
    lines = [f"{name} {len(leads)} {frequency} {len(millivolts)}"]
    lines += [f"{name}.dat 16 200.0(0)/{unit} 16 0 0 0 0 {lead}" for lead in leads]
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")


def heartbeat(seed: int, samples: int = 5000, *, aligned: bool = False) -> np.ndarray:
    """Return something like an ECG, (samples, 12) in mV: a beat with its own size in each lead.

    Rate and first beat are random too, unless records are to be `aligned` in time.
    """
    generator = np.random.default_rng(seed)
    time = np.arange(samples) / 500
    rate, start = generator.uniform(0.9, 1.8), generator.uniform()
    phase = time * 1.2 % 1 if aligned else (time * rate + start) % 1
    beat = np.exp(-(((phase - 0.4) / 0.06) ** 2)) + 0.3 * np.exp(-(((phase - 0.7) / 0.1) ** 2))
    gains = generator.uniform(0.3, 1.5, 12) * np.where(np.arange(12) == 3, -1, 1)
    noise = generator.normal(0, 0.01, (samples, 12))
    return beat[:, None] * gains + noise


def write_records(root: Path, patients: Sequence[int], *, aligned: bool = False) -> pl.DataFrame:
    """Write record 0, 1, ... per entry; return their table (patient_id, item_id, path)."""
    rows = []
    for number, patient in enumerate(patients):
        path = f"files/p{patient}/s{number:04d}"
        write_record(root / path, heartbeat(number, aligned=aligned))
        rows.append((patient, f"s{number:04d}", path))
    return pl.DataFrame(
        rows, schema={"patient_id": pl.Int64, "item_id": pl.String, "path": pl.String}, orient="row"
    )
