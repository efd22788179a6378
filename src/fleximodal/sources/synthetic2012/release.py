"""Write a generated cohort as a release folder that the reader of the real one reads."""

import csv
import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json, write_text
from fleximodal.sources.auroc import weighted_auroc
from fleximodal.sources.physionet2012.files import SETS
from fleximodal.sources.synthetic2012.measurements import (
    draw_descriptors,
    draw_outcomes,
    draw_series,
)
from fleximodal.sources.synthetic2012.mess import spoil_descriptors, spoil_series
from fleximodal.sources.synthetic2012.splits import draw_splits
from fleximodal.sources.synthetic2012.truth import COEFFICIENTS, Truth, draw_truth

MIN_STAYS_PER_SET = 20

_README = """\
GENERATED DATA: NO PATIENTS
===========================
Every record here was drawn by a random generator (fleximodal, synthetic2012). No record is of, or
derived from, a person. The files have the layout of the PhysioNet/CinC Challenge 2012, so that
the same programs read them; record ids begin at 900001, above every real one. Results obtained
from these files say something of programs and nothing of medicine.

truth.json holds the settings of the generator and the best AUROC that any score can reach.
"""


def write_synthetic_release(folder: Path, *, stays_per_set: int, seed: int) -> None:
    """Write `set-{a,b,c}.tar.gz`, outcomes, five random splits, `truth.json` and a README.

    Equal arguments give equal bytes. An existing folder is replaced as a whole.

    Raises
    ------
    FleximodalError
        If `stays_per_set` is below `MIN_STAYS_PER_SET`.
    """
    if stays_per_set < MIN_STAYS_PER_SET:
        raise FleximodalError(
            f"stays_per_set is {stays_per_set}; give at least {MIN_STAYS_PER_SET}, so that every "
            "part of every split holds deaths and survivors."
        )
    rng = np.random.default_rng(seed)
    truth = draw_truth(rng, stays_per_set)
    series = draw_series(rng, truth)
    descriptors = spoil_descriptors(rng, draw_descriptors(rng, truth))
    outcomes = draw_outcomes(rng, truth)
    with_series = np.unique(series["stay"].to_numpy())
    splits = draw_splits(rng, truth.death[with_series])
    rows = spoil_series(rng, series, truth.set_name == "c")
    texts = _record_texts(truth, descriptors, rows)
    with atomic_folder(folder) as target:
        for name in SETS:
            members = np.flatnonzero(truth.set_name == name)
            _write_tar(
                target / f"set-{name}.tar.gz",
                {f"set-{name}/{truth.record[i]}.txt": texts[i] for i in members},
            )
            outcomes[members].write_csv(target / f"Outcomes-{name}.txt")
        _write_splits(target / "splits-five-random.csv", truth.record[with_series], splits)
        write_json(target / "truth.json", _describe(truth, stays_per_set, seed))
        write_text(target / "README.txt", _README)


def _record_texts(
    truth: Truth, descriptors: dict[str, np.ndarray], rows: pl.DataFrame
) -> list[str]:
    texts = []
    for position, record in enumerate(truth.record):
        lines = ["Time,Parameter,Value", f"00:00,RecordID,{record}"]
        lines += [f"00:00,{name},{values[position]:.6g}" for name, values in descriptors.items()]
        texts.append(lines)
    ordered = rows.sort("stay", "minute", "parameter", maintain_order=True)
    for stay, minute, name, value in ordered.iter_rows():
        texts[stay].append(f"{minute // 60:02d}:{minute % 60:02d},{name},{value:.6g}")
    return ["\n".join(lines) + "\n" for lines in texts]


def _write_tar(path: Path, members: dict[str, str]) -> None:
    """Write a tar.gz whose bytes depend on the members only: fixed times, no file name inside."""
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, text in members.items():
            data = text.encode("ascii")
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def _write_splits(path: Path, records: np.ndarray, splits: dict[str, np.ndarray]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["RecordID", *splits])
        writer.writerows(zip(records, *splits.values(), strict=True))


def _describe(truth: Truth, stays_per_set: int, seed: int) -> dict[str, object]:
    return {
        "generated": True,
        "seed": seed,
        "stays_per_set": stays_per_set,
        "stays": len(truth.record),
        "deaths": int(truth.death.sum()),
        "log_odds_of_death": {"intercept": truth.intercept, **COEFFICIENTS},
        "best_auroc": {
            "expected": weighted_auroc(truth.risk, truth.risk, expected=True),
            "in_these_stays": weighted_auroc(truth.risk, truth.death, expected=False),
            "note": "of the true risk of death; no score excels the expected one in the long run",
        },
    }
