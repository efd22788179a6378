"""Large generated chartevents and labevents in the layout of MIMIC-IV, written block by block.

Rows resemble the real ones in length (about 99 and 114 bytes), in how far they compress, in the
share of wanted items (about 8 % and 45 %) and in their order (by patient, then time). Nothing in
them was taken from a patient.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from isal import igzip

BLOCK = 500_000

VITAL_ITEMS = (220045, 220179, 220180, 220181, 220210, 220277, 223900, 220739, 223901)
LAB_ITEMS = (
    (50971, 50983, 50902, 50912, 51006, 50882, 50868, 51222, 51221, 50960, 51265)
    + (50970, 51301, 50893, 51248, 51279, 51249, 51250, 51277, 51256, 51009, 50931)
)  # fmt: skip

_START = np.datetime64("2150-01-01", "s")
_FIRST_PATIENT, _FIRST_ADMISSION, _FIRST_STAY = 10_000_000, 20_000_000, 30_000_000
_HOURS_OF_STAY = 120
_UNITS = np.array(["mmHg", "bpm", "insp/min", "%", "cmH2O", "mL", ""])
_TEXTS = np.array(["1 - No Response", "SR (Sinus Rhythm)", "Alarms On ", "Normal", "Clear", "None"])


def write_chartevents(path: Path, rows: int, stays: int) -> None:
    """Write chartevents.csv.gz with this number of rows, spread evenly over the stays."""
    _write(path, rows, _chart_block, stays)


def write_labevents(path: Path, rows: int, stays: int) -> None:
    """Write labevents.csv.gz with this number of rows; every other patient has no ICU stay."""
    _write(path, rows, _lab_block, stays)


def stay_table(stays: int) -> pl.DataFrame:
    """Return stay_id, patient_id, admission_id, intime, outtime of the generated stays."""
    number = np.arange(stays)
    intime = _intimes(number)
    return pl.DataFrame(
        {
            "stay_id": _FIRST_STAY + number,
            "patient_id": _FIRST_PATIENT + 20 * number,
            "admission_id": _FIRST_ADMISSION + number,
            "intime": intime.astype("datetime64[us]"),
            "outtime": (intime + np.timedelta64(_HOURS_OF_STAY, "h")).astype("datetime64[us]"),
        }
    )


def unit_table(stays: int) -> pl.DataFrame:
    """Return patient_id, admission_id of every third stay's admission."""
    return stay_table(stays).select("patient_id", "admission_id").gather_every(3)


def _intimes(number: np.ndarray) -> np.ndarray:
    return _START + (number * 7919 % 400_000).astype("timedelta64[m]")


def _write(
    path: Path,
    rows: int,
    block: Callable[[np.random.Generator, int, int, int, int], pl.DataFrame],
    stays: int,
) -> None:
    rng = np.random.default_rng(0)
    with igzip.open(path, "wb", compresslevel=2) as file:
        for start in range(0, rows, BLOCK):
            table = block(rng, start, min(BLOCK, rows - start), rows, stays)
            text = table.write_csv(include_header=start == 0, datetime_format="%Y-%m-%d %H:%M:%S")
            file.write(text.encode())


def _chart_block(
    rng: np.random.Generator, start: int, height: int, rows: int, stays: int
) -> pl.DataFrame:
    position = np.arange(start, start + height)
    stay = position * stays // rows
    within = (position - stay * rows // stays) / (rows / stays)
    # About 30 items are charted at once, at a full or half hour.
    step = np.floor(within * _HOURS_OF_STAY * 1.25)
    time = _intimes(stay) + (step * 47 + 11).astype("timedelta64[m]")
    wanted = rng.random(height) < 0.08
    others = 224_000 + (position * 37 % 390)
    item = np.where(wanted, rng.choice(VITAL_ITEMS, height), others)
    numeric = wanted | (others % 5 < 2)
    # Few rows repeat a time and an item, and a few are charted before the stay.
    value = np.round(80 + 12 * rng.standard_normal(height)).clip(1, 200)
    text = pl.Series(_TEXTS[others % len(_TEXTS)])
    return pl.DataFrame(
        {
            "subject_id": _FIRST_PATIENT + 20 * stay,
            "hadm_id": _FIRST_ADMISSION + stay,
            "stay_id": _FIRST_STAY + stay,
            "caregiver_id": 40_000 + (stay * 13 + step.astype(int) // 12) % 9_000,
            "charttime": (time - (position % 997 == 0) * np.timedelta64(2, "h")).astype(
                "datetime64[us]"
            ),
            "storetime": (time + np.timedelta64(14, "m")).astype("datetime64[us]"),
            "itemid": item,
            "number": pl.Series(value).cast(pl.Int64),
            "numeric": numeric,
            "text": text,
            "unit": _UNITS[item % len(_UNITS)],
        }
    ).select(
        "subject_id",
        "hadm_id",
        "stay_id",
        "caregiver_id",
        "charttime",
        "storetime",
        "itemid",
        value=pl.when("numeric").then(pl.col("number").cast(pl.String)).otherwise("text"),
        valuenum=pl.when("numeric").then("number"),
        valueuom=pl.when(pl.col("numeric") & (pl.col("unit") != "")).then("unit"),
        warning=pl.when("numeric").then(0),
    )


def _lab_block(
    rng: np.random.Generator, start: int, height: int, rows: int, stays: int
) -> pl.DataFrame:
    position = np.arange(start, start + height)
    patients = 2 * stays
    patient = position * patients // rows
    within = (position - patient * rows // patients) / (rows / patients)
    stay = patient // 2
    # Laboratory values begin before the stay and end after it; 22 belong to one specimen.
    draw = np.floor(within * max(rows / patients / 22, 1))
    draws = max(rows / patients / 22, 1)
    time = _intimes(stay) + ((draw / draws * 400 - 100) * 60).astype("timedelta64[m]")
    wanted = rng.random(height) < 0.45
    item = np.where(wanted, np.array(LAB_ITEMS)[position % 22], 52_000 + position % 300)
    value = np.round(20 + 5 * rng.standard_normal(height), 1).clip(0.1, 60)
    return pl.DataFrame(
        {
            "labevent_id": position + 1,
            # Every other patient was never in the ICU.
            "subject_id": _FIRST_PATIENT + 20 * stay + 10 * (patient % 2),
            "hadm_id": pl.Series(_FIRST_ADMISSION + stay + (patient % 2) * 5_000_000),
            "specimen_id": 50_000_000 + (patient * 64 + draw.astype(int)),
            "itemid": item,
            "charttime": time.astype("datetime64[us]"),
            "storetime": (time + np.timedelta64(65, "m")).astype("datetime64[us]"),
            "number": value,
            "numeric": rng.random(height) < 0.97,
            "unit": _UNITS[item % len(_UNITS)],
            "without_admission": draw % 5 == 0,
        }
    ).select(
        "labevent_id",
        "subject_id",
        pl.when(~pl.col("without_admission")).then("hadm_id").alias("hadm_id"),
        "specimen_id",
        "itemid",
        pl.lit(None, dtype=pl.String).alias("order_provider_id"),
        "charttime",
        "storetime",
        pl.when("numeric")
        .then(pl.col("number").cast(pl.String))
        .otherwise(pl.lit("___"))
        .alias("value"),
        pl.when("numeric").then("number").alias("valuenum"),
        pl.col("unit").alias("valueuom"),
        pl.lit("12.5").alias("ref_range_lower"),
        pl.lit("36.0").alias("ref_range_upper"),
        pl.when(pl.col("number") > 28).then(pl.lit("abnormal")).alias("flag"),
        pl.lit("ROUTINE").alias("priority"),
        pl.lit(None, dtype=pl.String).alias("comments"),
    )
