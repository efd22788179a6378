"""Everything of one block of patients: tables, files, truth, counts of faults."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from fleximodal.sources.hospital import chart3, chart4, core3, core4
from fleximodal.sources.hospital.diagnoses import draw_codes
from fleximodal.sources.hospital.ecgs import ecg_tables, write_record
from fleximodal.sources.hospital.images import image_tables, write_picture
from fleximodal.sources.hospital.items import draw_items, within_first_day
from fleximodal.sources.hospital.labs4 import draw_labs
from fleximodal.sources.hospital.latents import Latents
from fleximodal.sources.hospital.members import encode
from fleximodal.sources.hospital.model import MODALITIES, latent_model
from fleximodal.sources.hospital.notes4 import discharge, radiology
from fleximodal.sources.hospital.people import BLOCK_STAYS, ID_BASES, People, draw_people
from fleximodal.sources.hospital.rows import Mess
from fleximodal.sources.hospital.series import touching
from fleximodal.sources.hospital.streams import stream

Files = Literal["files", "tables", "none"]


@dataclass(frozen=True)
class Settings:
    """What `write_hospital` was asked for; see there."""

    stays: int
    mimic3_stays: int
    seed: int
    image_pixels: int
    chart_rows_per_stay: int | None
    hours_between_rounds: float
    images: Files
    ecgs: Files
    file_stays: int | None


@dataclass(frozen=True)
class Block:
    """What one block hands on: encoded tables with their numbers of rows, truth, counts."""

    tables: dict[str, tuple[bytes, int]]
    latents: Latents
    patients: int
    admissions: int
    counts: dict[str, int]


def block_sizes(stays: int) -> list[int]:
    """Return the number of stays of each block."""
    whole, rest = divmod(stays, BLOCK_STAYS)
    return [BLOCK_STAYS] * whole + ([rest] if rest else [])


def draw_block_people(settings: Settings, source: str, number: int) -> People:
    """Draw the patients, admissions and stays of a block with their truth."""
    sizes = block_sizes(settings.stays if source == "mimic4" else settings.mimic3_stays)
    rng = stream(settings.seed, source, number, "people")
    return draw_people(rng, latent_model(), ID_BASES[source], number, sizes[number])


def make_block(settings: Settings, source: str, number: int, folder: Path) -> Block:
    """Make a block: return its tables and truth, write its images and ECGs into `folder`."""
    people = draw_block_people(settings, source, number)
    mess = {
        name: Mess(_stream(settings, source, number, "mess", name), number == 0) for name in _MESSES
    }
    make = _mimic4 if source == "mimic4" else _mimic3
    tables, latents = make(settings, people, mess, folder)
    _count_people(people, mess["people"])
    return Block(
        tables={path: (encode(path, table), table.height) for path, table in tables.items()},
        latents=latents,
        patients=len(people.subject),
        admissions=len(people.hadm),
        counts={
            f"{table}: {name}": count
            for table, of_table in mess.items()
            for name, count in of_table.counts.items()
        },
    )


_MESSES = ("people", "diagnoses", "chart", "labs", "notes", "images", "ecgs")


def _stream(
    settings: Settings, source: str, number: int, part: str, name: str
) -> np.random.Generator:
    """Return a generator of its own for the faults of each table."""
    rng = stream(settings.seed, source, number, part)
    return rng.spawn(len(_MESSES))[_MESSES.index(name)]


def _mimic4(
    settings: Settings, people: People, mess: dict[str, Mess], folder: Path
) -> tuple[dict[str, pl.DataFrame], Latents]:
    def rng(part: str) -> np.random.Generator:
        return stream(settings.seed, "mimic4", people.number, part)

    items = {
        name: draw_items(source, people, name)
        for name, source in zip(MODALITIES[1:], rng("items").spawn(3), strict=True)
    }
    codes = draw_codes(rng("diagnoses"), mess["diagnoses"], people, people.version)
    tables = core4.core_tables(rng("tables"), people, codes)
    chart, draws, values = chart4.draw_chart(
        rng("chart"),
        mess["chart"],
        people,
        hours_between_rounds=settings.hours_between_rounds,
        rows_per_stay=settings.chart_rows_per_stay,
    )
    tables["mimic-iv/icu/chartevents"] = chart
    labs = draw_labs(rng("labs"), mess["labs"], people, draws, values)
    tables["mimic-iv/hosp/labevents"] = labs
    tables["mimic-iv-note/note/radiology"] = radiology(
        rng("notes"), mess["notes"], people, items["notes"]
    )
    tables["mimic-iv-note/note/discharge"] = discharge(rng("discharge"), people)
    if settings.images != "none":
        source = rng("images")
        of_images, pictures = image_tables(
            source, mess["images"], people, items["cxr"], settings.image_pixels
        )
        tables |= of_images
        if settings.images == "files":
            for picture in pictures:
                if _wanted(settings, people, picture.stay):
                    write_picture(source, folder / "mimic-cxr-jpg", picture)
    if settings.ecgs != "none":
        source = rng("ecgs")
        of_ecgs, records = ecg_tables(source, mess["ecgs"], people, items["ecg"])
        tables |= of_ecgs
        if settings.ecgs == "files":
            for record in records:
                if _wanted(settings, people, record.stay):
                    write_record(source, folder / "mimic-iv-ecg", record)
    first_day = np.stack(
        [people.latents.early[:, 0], *(within_first_day(people, i) for i in items.values())], axis=1
    )
    return tables, replace(people.latents, first_day=first_day)


def _mimic3(
    settings: Settings, people: People, mess: dict[str, Mess], folder: Path
) -> tuple[dict[str, pl.DataFrame], Latents]:
    del folder

    def rng(part: str) -> np.random.Generator:
        return stream(settings.seed, "mimic3", people.number, part)

    notes = draw_items(rng("items"), people, "notes")
    # All codes of MIMIC-III are ICD-9; half of its stays are CareVue's.
    nine = np.full(len(people.hadm), 9)
    codes = draw_codes(rng("diagnoses"), mess["diagnoses"], people, nine)
    carevue = (people.group % 2 == 0)[people.patient[people.admission]]
    tables = core3.core_tables(rng("tables"), mess["notes"], people, codes, carevue, notes)
    tables["mimic-iii/CHARTEVENTS"] = chart3.draw_chart(
        rng("chart"),
        mess["chart"],
        people,
        carevue,
        hours_between_rounds=settings.hours_between_rounds,
        rows_per_stay=settings.chart_rows_per_stay,
    )
    tables["mimic-iii/LABEVENTS"] = chart3.draw_labs(rng("labs"), mess["labs"], people)
    first_day = np.zeros_like(people.latents.early)
    first_day[:, 0] = True
    first_day[:, MODALITIES.index("notes")] = within_first_day(people, notes)
    return tables, replace(people.latents, first_day=first_day)


def _wanted(settings: Settings, people: People, stay: int) -> bool:
    """Return whether an item of a stay (position in the block; -1: of none) gets its file."""
    if settings.file_stays is None:
        return True
    return 0 <= stay < settings.file_stays - people.number * BLOCK_STAYS


def _count_people(people: People, mess: Mess) -> None:
    same = people.admission[1:] == people.admission[:-1]
    mess.counts["admissions with two stays"] = int(same.sum())
    mess.counts["stays that touch"] = int(touching(people).sum())
    mess.counts["admissions without a stay"] = len(people.hadm) - len(np.unique(people.admission))
