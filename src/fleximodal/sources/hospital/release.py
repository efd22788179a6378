"""Write a generated hospital as folders that the readers of the real releases read."""

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json, write_text
from fleximodal.sources.hospital import core3, core4
from fleximodal.sources.hospital.block import Block, Files, Settings, block_sizes, make_block
from fleximodal.sources.hospital.columns import COLUMNS
from fleximodal.sources.hospital.latents import Latents
from fleximodal.sources.hospital.members import Tables, encode
from fleximodal.sources.hospital.model import MODALITIES, latent_model
from fleximodal.sources.hospital.optimum import SHOWN, TASKS, best_aurocs, in_task, labels, seen
from fleximodal.sources.hospital.people import MAX_STAYS
from fleximodal.sources.hospital.phenotypes import PHENOTYPES

LOGGER = logging.getLogger("fleximodal.sources")

MIN_STAYS = 50
MIN_PIXELS = 32
_FOLDERS = {
    "mimic4": ("mimic-iv/", "mimic-iv-note/", "mimic-cxr-jpg/", "mimic-iv-ecg/"),
    "mimic3": ("mimic-iii/",),
}

_README = """\
GENERATED DATA: NO PATIENTS
===========================
Every row, text, image and ECG here was drawn by a random generator (fleximodal, hospital). None is
of, or derived from, a person. The files have the layouts of MIMIC-IV, MIMIC-IV-Note,
MIMIC-CXR-JPG, MIMIC-IV-ECG and MIMIC-III, so that the same programs read them. The ids lie outside
the ranges of the real ones: patients from 90000001, admissions from 80000001, stays from 70000001,
radiographic studies from 60000001, ECGs from 65000001; in mimic-iii patients from 9000001,
admissions from 8000001, stays from 7000001. Results obtained from these files say something of
programs and nothing of medicine.

truth.json holds the settings of the generator, how often each fault was put in, and the best AUROC
that any score can reach.
"""


def write_hospital(
    folder: Path,
    *,
    stays: int,
    seed: int,
    image_pixels: int = 256,
    chart_rows_per_stay: int | None = None,
    hours_between_rounds: float = 1.0,
    images: Files = "files",
    ecgs: Files = "files",
    file_stays: int | None = None,
    mimic3_stays: int | None = None,
    workers: int = 1,
) -> None:
    """Write `mimic-iv`, `mimic-iv-note`, `mimic-cxr-jpg`, `mimic-iv-ecg`, `mimic-iii`, the truth.

    Equal arguments give equal bytes, whatever `workers`. An existing folder is replaced as a whole.
    The work goes in blocks of 250 stays, so memory does not grow with the size but for about 200
    bytes of truth per stay.

    Parameters
    ----------
    folder
        Folder to write.
    stays
        ICU stays of MIMIC-IV, 50 to 200,000.
    seed
        Seed, at least 0.
    image_pixels
        Longer side of an image in pixels.
    chart_rows_per_stay
        Mean number of rows of chartevents per stay, reached by rows of items that no channel reads
        (about 4,300 in MIMIC-IV 2.2); None adds a tenth of such rows.
    hours_between_rounds
        Mean time between two rounds of vital signs.
    images, ecgs
        "files": tables and files; "tables": tables only; "none": the module is not written.
    file_stays
        Write the files of images and ECGs of the first so many stays only, and of none outside
        stays; the tables list all nevertheless. None: of all.
    mimic3_stays
        ICU stays of MIMIC-III: None for as many as `stays`, 0 for no `mimic-iii`.
    workers
        Blocks made at a time, each in a thread.

    Raises
    ------
    FleximodalError
        If an argument is out of its range.
    """
    settings = Settings(
        stays=stays,
        mimic3_stays=stays if mimic3_stays is None else mimic3_stays,
        seed=seed,
        image_pixels=image_pixels,
        chart_rows_per_stay=chart_rows_per_stay,
        hours_between_rounds=hours_between_rounds,
        images=images,
        ecgs=ecgs,
        file_stays=file_stays,
    )
    _check(settings, workers)
    with atomic_folder(folder) as target:
        truth = _write_source(target, "mimic4", settings, workers)
        if settings.mimic3_stays:
            truth["mimic3"] = _write_source(target, "mimic3", settings, workers)
        truth["generated"] = True
        truth["settings"] = {key: value for key, value in asdict(settings).items() if key != "seed"}
        truth["seed"] = seed
        truth["model"] = _model()
        truth["note"] = (
            "expected: AUROC of the best score in the long run, from a large draw of the model; "
            "sample: its AUROC in these stays. In 25-PHE the mean over the labels."
        )
        write_json(target / "truth.json", truth)
        write_text(target / "README.txt", _README)


def _check(settings: Settings, workers: int) -> None:
    for name, count, least in (
        ("stays", settings.stays, MIN_STAYS),
        ("mimic3_stays", settings.mimic3_stays, 0 if settings.mimic3_stays == 0 else MIN_STAYS),
    ):
        if not least <= count <= MAX_STAYS:
            raise FleximodalError(
                f"{name} is {count}; give {MIN_STAYS} to {MAX_STAYS}, so that every kind of stay "
                "occurs and the ids suffice."
            )
    least_values: dict[str, tuple[float | None, float]] = {
        "seed": (settings.seed, 0),
        "image_pixels": (settings.image_pixels, MIN_PIXELS),
        "chart_rows_per_stay": (settings.chart_rows_per_stay, 0),
        "hours_between_rounds": (settings.hours_between_rounds, 0.1),
        "file_stays": (settings.file_stays, 0),
        "workers": (workers, 1),
    }
    for name, (value, smallest) in least_values.items():
        if value is not None and not value >= smallest:
            raise FleximodalError(f"{name} is {value}; give at least {smallest}.")
    for name, kind in (("images", settings.images), ("ecgs", settings.ecgs)):
        if kind not in get_args(Files):
            raise FleximodalError(
                f"{name} is {kind!r}; choose one of {', '.join(get_args(Files))}."
            )


def _write_source(target: Path, source: str, settings: Settings, workers: int) -> dict[str, Any]:
    dictionaries = core4.dictionaries() if source == "mimic4" else core3.dictionaries()
    tables = Tables(target)
    tables.start(_paths(source, settings))
    for path, table in dictionaries.items():
        tables.append(path, encode(path, table), table.height)
    parts: list[Latents] = []
    totals = {"patients": 0, "admissions": 0}
    counts: dict[str, int] = {}
    for block in _blocks(target, source, settings, workers):
        for path, (piece, rows) in block.tables.items():
            tables.append(path, piece, rows)
        parts.append(block.latents)
        totals["patients"] += block.patients
        totals["admissions"] += block.admissions
        for name, count in block.counts.items():
            counts[name] = counts.get(name, 0) + count
    latents = Latents.concat(parts)
    LOGGER.info("%s: wrote %d generated stays", source, len(latents.u))
    return {
        **totals,
        "stays": len(latents.u),
        "tasks": {task.name: _describe(source, task.name, latents) for task in TASKS[source]},
        "faults": counts,
        "rows": tables.rows,
        "optimum": best_aurocs(source, latents),
    }


def _paths(source: str, settings: Settings) -> list[str]:
    absent = [
        prefix
        for prefix, kind in (("mimic-cxr-jpg/", settings.images), ("mimic-iv-ecg/", settings.ecgs))
        if kind == "none"
    ]
    return [
        path
        for path in COLUMNS
        if path.startswith(_FOLDERS[source]) and not path.startswith(tuple(absent))
    ]


def _blocks(target: Path, source: str, settings: Settings, workers: int) -> Iterator[Block]:
    """Make all blocks, `workers` at a time, and yield them in order."""
    count = settings.stays if source == "mimic4" else settings.mimic3_stays
    waiting: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for number in range(len(block_sizes(count))):
            waiting.append(pool.submit(make_block, settings, source, number, target))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _describe(source: str, name: str, latents: Latents) -> dict[str, Any]:
    """Return size, prevalence and availability of a task's cohort."""
    task = next(task for task in TASKS[source] if task.name == name)
    members = latents.of(in_task(task, latents))
    positive = labels(task, members).mean(axis=0).round(6).tolist()
    present = seen(task, members)
    return {
        "stays": len(members.u),
        "prevalence": positive[0] if len(positive) == 1 else positive,
        "availability": {
            modality: round(float(present[:, MODALITIES.index(modality)].mean()), 6)
            for modality in SHOWN[source]
        },
    }


def _model() -> dict[str, Any]:
    """Return the coefficients of the latent model, arrays as lists."""
    values = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in vars(latent_model()).items()
    }
    return {
        **values,
        "modalities": list(MODALITIES),
        "phenotypes": [f"{phenotype.ccs} {phenotype.name}" for phenotype in PHENOTYPES],
    }
