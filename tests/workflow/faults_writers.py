"""Every kind of writer on disks that are too small for what it writes.

Run as a program, where it may mount file systems: `python -m tests.workflow.faults_writers FOLDER`.
It prints one line of JSON per trial.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from fleximodal.dataset.packed import PackedDataset, write_packed
from fleximodal.encoders import training_state
from fleximodal.encoders.ecg_cache import ECGCache
from fleximodal.encoders.run import encode
from fleximodal.io.atomic import write_json
from fleximodal.publishing.drawing import write_figure
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.page import Page
from fleximodal.sources.adni import canonical as adni
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.hospital import write_hospital
from fleximodal.sources.mimic3 import canonical as mimic3
from fleximodal.sources.mimic4 import canonical as mimic4
from fleximodal.sources.mimic4.folders import Mimic4Folders
from fleximodal.sources.physionet2012 import canonical as physionet2012
from fleximodal.sources.synthetic2012 import write_synthetic_release
from fleximodal.sources.synthetic_adni import write_release
from fleximodal.training import checkpoint
from fleximodal.training.adam import Adam
from fleximodal.training.finished import CellState
from fleximodal.training.member import Fitted
from tests.workflow.faults import digests, temporaries

PAGE = os.sysconf("SC_PAGE_SIZE")
EVENTS = {"range_filter": True, "bound_at_outtime": True}
FRAME = pd.DataFrame({"method": [f"method {row}" for row in range(300)], "value": range(300)})


def generate_physionet2012(folder: Path) -> None:
    write_synthetic_release(folder / "physionet2012", stays_per_set=20, seed=1)


def generate_hospital(folder: Path) -> None:
    write_hospital(folder / "hospital", stays=50, seed=1, image_pixels=32)


def generate_adni(folder: Path) -> None:
    write_release(folder / "adni", settings={"subjects": 120, "seed": 1, "variants": 600})


def writers(raw: Path, canonical: Path) -> dict[str, Callable[[Path], None]]:
    """Return a function of a folder for each kind of writer; they read `raw` and `canonical`."""
    return {
        "generated tar.gz and csv": generate_physionet2012,
        "generated csv.gz, jpg and dat": generate_hospital,
        "generated csv and plink": generate_adni,
        "parquet by polars": lambda folder: physionet2012.write_canonical(
            raw / "physionet2012", folder / "physionet2012", source="synthetic-physionet2012"
        ),
        "parquet by streams and by pyarrow": lambda folder: mimic4.write_canonical(
            Mimic4Folders(raw / "hospital" / "mimic-iv", raw / "hospital" / "mimic-iv-note"),
            folder / "mimic4",
            source="synthetic-mimic4",
            **EVENTS,
        ),
        "parquet of MIMIC-III": lambda folder: mimic3.write_canonical(
            raw / "hospital" / "mimic-iii", folder / "mimic3", source="synthetic-mimic3", **EVENTS
        ),
        "safetensors through a map, ADNI": lambda folder: adni.write_canonical(
            raw / "adni", folder / "adni", source="synthetic-adni", preparation=Preparation()
        ),
        "safetensors through a map, encoder": lambda folder: encode(
            "notes", canonical / "mimic4", folder / "notes", settings={}, state=folder / "state"
        ),
        "samples of ECGs through a map": lambda folder: _ecg_cache(folder / "samples"),
        "safetensors by numpy": lambda folder: write_packed(_packed(), folder / "packed"),
        "state of a training": lambda folder: _training_state(folder / "state"),
        "state of the autoencoder": lambda folder: _autoencoder_state(folder / "state"),
        "finished run": lambda folder: _finished(folder / "state"),
        "json": lambda folder: write_json(folder / "some.json", list(range(5000))),
        "csv, md, tex and html": lambda folder: write_page(
            FRAME, Page("some", "A title", FRAME.astype(str), "A caption."), folder
        ),
        "figure": lambda folder: write_figure("some", FRAME, _draw, folder),
    }


def _ecg_cache(folder: Path) -> None:
    ECGCache(folder, folder, ["a", "b", "c"], [1, 2, 3], table="some", bytes_at_most=1e9)


def _packed() -> PackedDataset:
    ids = np.arange(5000)
    label = (ids % 2).astype(np.int8)
    return PackedDataset("some", "task", 48.0, 48.0, ("death",), ids, ids, label, {})


def _training_state(folder: Path) -> None:
    model = torch.nn.Linear(64, 64)
    progress = checkpoint.Progress(epoch=1, best_epoch=1)
    checkpoint.TrainingState(folder, "key").save(progress, model, Adam(model.parameters(), 0.1))


def _autoencoder_state(folder: Path) -> None:
    model = torch.nn.Linear(64, 64)
    optimizer = torch.optim.Adam(model.parameters())
    best = {name: value.detach() for name, value in model.state_dict().items()}
    state = training_state.TrainingState(folder, "key")
    state.save(training_state.Progress(), model, optimizer, best)


def _finished(folder: Path) -> None:
    fitted = Fitted({"val": np.zeros(3000)}, [], {}, 3000, {"weight": torch.zeros(3000)})
    CellState(folder, "key").save("official", 1, fitted, {})


def _draw() -> Figure:
    figure = Figure()
    figure.subplots().plot(FRAME["value"])
    return figure


def pages_of(folder: Path) -> int:
    """Return how many pages the files of a folder take on a tmpfs."""
    return sum(-(-file.stat().st_size // PAGE) for file in folder.rglob("*") if file.is_file())


def trial(write: Callable[[Path], None], folder: Path, pages: int) -> dict[str, object]:
    """Let `write` work on a disk of `pages` at `folder`; return what was said and what is left."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={pages * PAGE}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    kind = told = ""
    try:
        write(folder)
    except Exception as error:
        kind, told = type(error).__name__, str(error).replace(str(folder), "DISK")
    left = {"kind": kind, "told": told, "files": digests(folder), "parts": temporaries(folder)}
    # Maps of files may still be open.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    return left


def main(folder: Path) -> None:
    raw, canonical = folder / "raw", folder / "canonical"
    for generate in (generate_physionet2012, generate_hospital, generate_adni):
        generate(raw)
    written = writers(raw, canonical)
    written["parquet by streams and by pyarrow"](canonical)
    for number, (name, write) in enumerate(written.items()):
        whole = folder / f"whole-{number}"
        write(whole)
        right, pages = digests(whole), pages_of(whole)
        for size in sorted({1, pages // 2, pages - 1}):
            told = {"writer": name, "pages": size, "of": pages}
            print(json.dumps(told | {"begun": True}), flush=True)
            left = trial(write, folder / f"disk-{number}-{size}", size)
            files: dict[str, str] = left.pop("files")  # type: ignore[assignment]
            wrong = [path for path, digest in files.items() if right.get(path) != digest]
            print(json.dumps(told | left | {"wrong": wrong}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
