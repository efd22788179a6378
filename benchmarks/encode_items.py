"""Items per second of each encoder, beside a plain loop over the same items in the same run.

Every encoder is run in four ways on generated items:

* plain: one item after the other through the encoder, nothing is written (the reference);
* batched: the store, in the encoder's batches, result written;
* single: the store, in batches of one item;
* resumed: the store, when all batches are there from a run that was stopped just before its end.

Usage: `python benchmarks/encode_items.py [--only NAME ...] [--scale FACTOR] [--rounds N]`
"""

import argparse
import contextlib
import copy
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from PIL import Image
from safetensors.torch import save_file

from fleximodal.encoders.clinicalbert import ClinicalBERTNotes
from fleximodal.encoders.codes import code_items
from fleximodal.encoders.compute import computing
from fleximodal.encoders.densenet import random_densenet
from fleximodal.encoders.ecg_autoencoder import new_autoencoder
from fleximodal.encoders.ecgs import WEIGHTS, ECGRecords
from fleximodal.encoders.encoder import ItemEncoder
from fleximodal.encoders.images import CXRImages
from fleximodal.encoders.items import Source, TableItems
from fleximodal.encoders.notes import HashingNotes
from fleximodal.encoders.settings import NotesEncoder
from fleximodal.encoders.store import encode_items

CPU = torch.device("cpu")
WORDS = 20_000
SYLLABLES = ("ca", "ro", "mi", "ne", "du", "lex", "pa", "thy", "gra", "sto")


@dataclass(frozen=True)
class Case:
    """An encoder for a batch size, and the items it is given."""

    source: Source
    encoder: Callable[[int], ItemEncoder]
    batch: int


def table(file: Path, /, **columns: list[str]) -> Path:
    """Write a canonical table with one item per stay."""
    count = len(next(iter(columns.values())))
    keys = {
        "stay_id": range(count),
        "patient_id": range(count),
        "item_id": [f"{index:06d}" for index in range(count)],
        "hours": [0.0] * count,
    }
    pl.DataFrame({**keys, **columns}, strict=False).write_parquet(file)
    return file


def word(number: int) -> str:
    """Return a made-up word."""
    return "".join(SYLLABLES[int(digit)] for digit in str(number))


def reports(count: int) -> list[str]:
    """Return texts of 20 to 400 words, common ones more often."""
    generator = np.random.default_rng(0)
    words = [word(number) for number in range(WORDS)]
    lengths = generator.integers(20, 400, count)
    return [
        " ".join(words[k] for k in (WORDS * generator.random(length) ** 4).astype(int))
        for length in lengths
    ]


def hashing(folder: Path, count: int) -> Case:
    """Return notes for hashed tokens."""
    source = TableItems(table(folder / "notes.parquet", text=reports(count)), ["text"])
    return Case(source, lambda size: HashingNotes(NotesEncoder(batch_size=size)), 32)


def clinicalbert(folder: Path, count: int) -> Case:
    """Return notes for an untrained network of Bio_ClinicalBERT's size."""
    from transformers import BertConfig, BertModel

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [*SYLLABLES, *(f"##{syllable}" for syllable in SYLLABLES)]
    pieces += [f"unused{number}" for number in range(28_996 - len(pieces))]
    BertModel(BertConfig(vocab_size=len(pieces))).save_pretrained(folder / "bert")
    (folder / "bert" / "vocab.txt").write_text("\n".join(pieces) + "\n")
    source = TableItems(table(folder / "notes.parquet", text=reports(count)), ["text"])

    def encoder(size: int) -> ItemEncoder:
        settings = NotesEncoder(
            kind="clinicalbert", folder=str(folder / "bert"), batch_size=size, device="cpu"
        )
        return ClinicalBERTNotes(settings, CPU)

    return Case(source, encoder, 8)


def cxr(folder: Path, count: int, threads: int) -> Case:
    """Return radiographs of MIMIC-CXR-JPG's usual size for an untrained DenseNet-121."""
    generator = np.random.default_rng(0)
    for number in range(count):
        small = generator.integers(0, 256, (24, 20), dtype=np.uint8)
        image = Image.fromarray(small).resize((2544, 3056), Image.Resampling.BICUBIC)
        image.save(folder / f"{number}.jpg", quality=95)
    path = table(folder / "images.parquet", path=[f"{number}.jpg" for number in range(count)])
    return Case(
        TableItems(path, ["path"]),
        lambda size: CXRImages(
            random_densenet(0),
            folder,
            encoder="densenet121",
            weights="",
            batch_size=size,
            device=CPU,
            threads=threads,
        ),
        8,
    )


def ecg(folder: Path, count: int) -> Case:
    """Return ECGs of 10 s and 12 leads for an untrained autoencoder."""
    leads = "I II III aVR aVF aVL V1 V2 V3 V4 V5 V6".split()
    generator = np.random.default_rng(0)
    for number in range(count):
        steps = generator.normal(0, 100, (5000, 12)).astype("<i2")
        (folder / f"{number}.dat").write_bytes(steps.tobytes())
        lines = [f"{number} 12 500 5000"]
        lines += [f"{number}.dat 16 200.0(0)/mV 16 0 0 0 0 {lead}" for lead in leads]
        (folder / f"{number}.hea").write_text("\n".join(lines) + "\n")
    save_file(new_autoencoder(0).state_dict(), folder / WEIGHTS)
    path = table(folder / "ecgs.parquet", path=[str(number) for number in range(count)])
    return Case(
        TableItems(path, ["path"]),
        lambda size: ECGRecords(folder, folder, batch_size=size, device=CPU),
        32,
    )


def codes(folder: Path, count: int) -> Case:
    """Return admissions with 15 ICD-9 codes each."""
    generator = np.random.default_rng(0)
    admissions = np.repeat(np.arange(count), 15)
    frame = pl.DataFrame(
        {
            "patient_id": admissions,
            "admission_id": admissions,
            "code": [f"{n:05d}" for n in generator.integers(0, 100_000, len(admissions))],
            "version": [9] * len(admissions),
        }
    )
    frame.write_parquet(folder / "diagnoses.parquet")
    items = code_items(folder / "diagnoses.parquet", None, range(count), 1)

    def encoder(size: int) -> ItemEncoder:
        sized = copy.copy(items.encoder)
        sized.batch_size = size
        return sized

    return Case(items.source, encoder, 1024)


class _StoppedError(Exception):
    """The run was stopped just before its end."""


def stop(folder: Path) -> None:
    """Stop where the result would be finished."""
    raise _StoppedError


def measure(case: Case, folder: Path, rounds: int) -> tuple[int, dict[str, float]]:
    """Return the number of items and the least seconds of each way of encoding them."""
    single, batched = case.encoder(1), case.encoder(case.batch)

    def plain() -> None:
        for window in case.source.windows(256):
            for row in window.iter_slices(1):
                single.encode(row)

    def store(encoder: ItemEncoder, name: str, extra: Callable[[Path], None] | None = None) -> None:
        state = folder / f"state-{name}"
        encode_items(case.source, encoder, folder / name, state=state, encoded=name, extra=extra)

    # Libraries are loaded on first use.
    single.encode(next(iter(case.source.windows(256)))[:1])
    seconds: dict[str, float] = {}
    for _ in range(rounds):
        with contextlib.suppress(_StoppedError):
            store(batched, "resumed", stop)
        found = {
            "plain": _seconds(plain),
            "batched": _seconds(lambda: store(batched, "batched")),
            "single": _seconds(lambda: store(single, "single")),
            "resumed": _seconds(lambda: store(batched, "resumed")),
        }
        seconds = {way: min(s, seconds.get(way, s)) for way, s in found.items()}
    resumed = (folder / "resumed" / "vectors.safetensors").read_bytes()
    assert resumed == (folder / "batched" / "vectors.safetensors").read_bytes()
    return case.source.keys().height, seconds


def _seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def cases(
    only: list[str], scale: float, threads: int, folder: Path
) -> Iterator[tuple[str, Case, Path]]:
    """Yield the cases that are asked for, each with a folder of its own."""
    makers: dict[str, tuple[Callable[[Path, int], Case], int]] = {
        "hashing": (hashing, 4000),
        "clinicalbert": (clinicalbert, 16),
        "cxr": (lambda path, count: cxr(path, count, threads), 24),
        "ecg": (ecg, 256),
        "codes": (codes, 4000),
    }
    for name in only or makers:
        make, count = makers[name]
        place = folder / name
        place.mkdir()
        yield name, make(place, max(2, int(scale * count))), place


def main() -> None:
    """Measure each encoder and print items per second and ratios."""
    names = ["hashing", "clinicalbert", "cxr", "ecg", "codes"]
    parser = argparse.ArgumentParser(description="Encode generated items in four ways.")
    parser.add_argument("--only", nargs="+", choices=names, default=[])
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the number of items")
    parser.add_argument("--rounds", type=int, default=2, help="the best of how many")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        computing(options.threads, "cpu"),
    ):
        for encoder, case, place in cases(options.only, options.scale, options.threads, Path(name)):
            items, seconds = measure(case, place, options.rounds)
            speeds = ", ".join(f"{way} {items / s:,.1f}" for way, s in seconds.items())
            print(f"{encoder:>12}: {items:,} items; items per second: {speeds}")
            print(
                f"encode_items {encoder}: in batches {seconds['plain'] / seconds['batched']:.2f} "
                f"times as fast as a plain loop and {seconds['single'] / seconds['batched']:.2f} "
                "times as fast as the store item by item; going on at the end costs "
                f"{100 * seconds['resumed'] / seconds['batched']:.1f} % of the whole",
                flush=True,
            )


if __name__ == "__main__":
    main()
