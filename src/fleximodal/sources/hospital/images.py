"""Radiographs: their tables, and greyscale pictures whose simple statistics show the truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from fleximodal.sources.hospital.columns import FINDINGS
from fleximodal.sources.hospital.items import Items
from fleximodal.sources.hospital.people import DAY, ID_BASES, People, study_ids
from fleximodal.sources.hospital.rows import Mess, nullable, pick

_LATERAL_SHARE = 0.4
_VIEWS = {
    "AP": ("CHEST (PORTABLE AP)", "antero-posterior"),
    "PA": ("CHEST (PA AND LAT)", "postero-anterior"),
    "LATERAL": ("CHEST (PA AND LAT)", "lateral"),
}
# Grey levels: what the lungs brighten by per unit of x, and the coarse texture's share by w.
_OPACITY = 0.13
_TEXTURE = 0.6
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class Picture:
    """What a picture shows and where it goes: path relative to the folder, stay (-1: none)."""

    path: str
    stay: int
    x: float
    w: float
    lateral: bool
    rows: int
    columns: int


def image_tables(
    rng: np.random.Generator, mess: Mess, people: People, items: Items, pixels: int
) -> tuple[dict[str, pl.DataFrame], list[Picture]]:
    """Return metadata, split and chexpert of a block by path, and the pictures they list.

    `pixels` is the length of the longer side.
    """
    studies = len(items.time)
    study_id = study_ids(ID_BASES["mimic4"].cxr_study, people.number, studies)
    second = rng.random(studies) < _LATERAL_SHARE
    study = np.repeat(np.arange(studies), 1 + second)
    lateral = np.zeros(len(study), dtype=bool)
    lateral[1:] = study[1:] == study[:-1]
    count = len(study)
    view = np.where(lateral, 2, rng.integers(0, 2, count))
    bright = rng.integers(0, 256, (count, 20), dtype=np.uint8)
    dicom = [
        "-".join(h[i : i + 8] for i in range(0, 40, 8)) for h in (b.tobytes().hex() for b in bright)
    ]
    subject = people.subject[people.patient[items.admission]][study]
    short = np.round(pixels * rng.uniform(0.78, 0.88, count)).astype(int)
    columns, rows = np.where(view == 2, short, pixels), np.where(view == 2, pixels, short)
    outside = (items.stay < 0)[study]
    mess.counts["images outside every stay"] = int(outside.sum())
    unknown_view = np.zeros(count, dtype=bool)
    unknown_view[mess.some("images without a view", ~unknown_view, 0.03)] = True
    # Milliseconds within the second of the item.
    clock = _clock(items.time[study] % DAY) + np.round(rng.random(count), 3).clip(0, 0.999)
    wrong = mess.some("impossible study times", outside, 0.02)
    clock[wrong] = clock[wrong] // 10_000 * 10_000 + 7_512.0
    mess.counts["study times with a zero in front"] = int((clock < 100_000).sum())
    paths = [
        f"files/p{s // 1_000_000}/p{s}/s{t}/{d}.jpg"
        for s, t, d in zip(subject.tolist(), study_id[study].tolist(), dicom, strict=True)
    ]
    names = [*_VIEWS, None]
    shown = np.where(unknown_view, len(_VIEWS), view)
    metadata = pl.DataFrame(
        {
            "dicom_id": pl.Series(dicom, dtype=pl.String),
            "subject_id": subject,
            "study_id": study_id[study],
            "PerformedProcedureStepDescription": pick([v[0] for v in _VIEWS.values()], view),
            "ViewPosition": pick(names, shown),
            "Rows": rows,
            "Columns": columns,
            "StudyDate": _dates(items.time[study]),
            "StudyTime": np.round(clock, 3),
            "ProcedureCodeSequence_CodeMeaning": pick([v[0] for v in _VIEWS.values()], view),
            "ViewCodeSequence_CodeMeaning": pick([*(v[1] for v in _VIEWS.values()), None], shown),
            "PatientOrientationCodeSequence_CodeMeaning": pick(
                ["Erect", "Recumbent", None], rng.integers(0, 3, count)
            ),
        }
    )
    part = rng.choice(3, len(people.subject), p=(0.8, 0.1, 0.1))
    of_image = part[people.patient[items.admission]][study]
    split = metadata.select("dicom_id", "study_id", "subject_id").with_columns(
        split=pick(["train", "validate", "test"], of_image)
    )
    finding = rng.choice(4, (studies, len(FINDINGS)), p=(0.2, 0.1, 0.05, 0.65))
    values = np.array([1.0, 0.0, -1.0, 0.0])
    chexpert = pl.DataFrame(
        {"subject_id": people.subject[people.patient[items.admission]], "study_id": study_id}
        | {
            name: nullable(values[finding[:, k]], finding[:, k] == 3)
            for k, name in enumerate(FINDINGS)
        }
    )
    pictures = [
        Picture(*row)
        for row in zip(
            paths,
            items.stay[study].tolist(),
            items.x[study].tolist(),
            items.w[study].tolist(),
            lateral.tolist(),
            rows.tolist(),
            columns.tolist(),
            strict=True,
        )
    ]
    base = "mimic-cxr-jpg/mimic-cxr-2.0.0-"
    tables = {"metadata": metadata, "split": split, "chexpert": chexpert}
    return {base + name: table for name, table in tables.items()}, pictures


def write_picture(rng: np.random.Generator, folder: Path, picture: Picture) -> None:
    """Draw a picture and write it as an 8-bit greyscale JPEG."""
    target = folder / picture.path
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_picture(rng, picture)).save(target, format="JPEG", quality=_JPEG_QUALITY)


def draw_picture(rng: np.random.Generator, picture: Picture) -> np.ndarray:
    """Return the grey levels, shape (rows, columns), uint8.

    A bright body with dark lungs. The lungs are the brighter the greater x is; over all lies a
    coarse texture whose strength grows with w.
    """
    y = np.linspace(-1, 1, picture.rows, dtype=np.float32)[:, None]
    z = np.linspace(-1, 1, picture.columns, dtype=np.float32)
    body = 0.25 + 0.45 * np.exp(-((z / 0.8) ** 4) - (y / 1.3) ** 4)
    if picture.lateral:
        lungs = np.exp(-(((z / 0.5) ** 2 + (y / 0.7) ** 2) ** 2))
    else:
        sides = ((np.abs(z) - 0.42 - rng.normal(0, 0.01)) / 0.28) ** 2
        lungs = np.exp(-((sides + (y / 0.72) ** 2) ** 2))
    air = np.clip(0.42 - _OPACITY * (picture.x + rng.normal(0, 0.15)), 0, 0.75)
    strength = 0.05 * np.exp(_TEXTURE * (picture.w + rng.normal(0, 0.15)))
    # Coarse grains: a small field of noise, stretched.
    grain = np.clip(
        rng.normal(0, 40, (picture.rows // 6 + 1, picture.columns // 6 + 1)) + 128, 0, 255
    )
    stretched = Image.fromarray(grain.astype(np.uint8)).resize(
        (picture.columns, picture.rows), Image.Resampling.BILINEAR
    )
    texture = (np.asarray(stretched, dtype=np.float32) - 128) / 25
    light = body - air * lungs + strength * texture + rng.normal(0, 0.01)
    fine = rng.integers(-3, 4, light.shape, dtype=np.int8)
    levels: np.ndarray = np.clip(255 * light + fine, 0, 255).astype(np.uint8)
    return levels


def _clock(seconds: np.ndarray) -> np.ndarray:
    """Return seconds of the day as the number HHMMSS."""
    return (seconds // 3600 * 10_000 + seconds % 3600 // 60 * 100 + seconds % 60).astype(float)


def _dates(seconds: np.ndarray) -> pl.Series:
    day = pl.Series((seconds // DAY).astype(np.int32)).cast(pl.Date)
    return day.dt.strftime("%Y%m%d").cast(pl.Int64)
