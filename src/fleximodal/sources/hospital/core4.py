"""The small tables of hosp and icu: patients, admissions, stays, diagnoses, dictionaries."""

import numpy as np
import polars as pl

from fleximodal.sources.hospital.diagnoses import Codes, dictionary
from fleximodal.sources.hospital.items4 import (
    CHART_ITEMS,
    EMPTY_LAB_ITEMS,
    GCS_WORDS,
    LAB_ITEMS,
    NUISANCE_ITEMS,
)
from fleximodal.sources.hospital.people import DAY, HOUR, People
from fleximodal.sources.hospital.rows import pick, times

_GROUPS = ["2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019"]
_UNITS = [
    "Medical Intensive Care Unit (MICU)",
    "Surgical Intensive Care Unit (SICU)",
    "Cardiac Vascular Intensive Care Unit (CVICU)",
    "Coronary Care Unit (CCU)",
]
_KINDS = ["EW EMER.", "URGENT", "OBSERVATION ADMIT", "SURGICAL SAME DAY ADMISSION"]
_FROM = ["EMERGENCY ROOM", "PHYSICIAN REFERRAL", "TRANSFER FROM HOSPITAL", None]
_TO: list[str | None] = ["HOME", "HOME HEALTH CARE", "SKILLED NURSING FACILITY", None, "DIED"]


def core_tables(rng: np.random.Generator, people: People, codes: Codes) -> dict[str, pl.DataFrame]:
    """Return patients, admissions, diagnoses_icd and icustays of a block, by path."""
    return {
        "mimic-iv/hosp/patients": _patients(rng, people),
        "mimic-iv/hosp/admissions": _admissions(rng, people),
        "mimic-iv/hosp/diagnoses_icd": pl.DataFrame(
            {
                "subject_id": people.subject[people.patient[codes.admission]],
                "hadm_id": people.hadm[codes.admission],
                "seq_num": codes.seq,
                "icd_code": codes.code,
                "icd_version": codes.version,
            }
        ),
        "mimic-iv/icu/icustays": _stays(rng, people),
    }


def dictionaries() -> dict[str, pl.DataFrame]:
    """Return d_icd_diagnoses, d_labitems and d_items, by path."""
    code, version, title = zip(*dictionary(), strict=True)
    labs = sorted(
        {(item.itemid, item.label, "Blood", item.category) for item in LAB_ITEMS}
        | set(EMPTY_LAB_ITEMS)
    )
    chart = sorted(
        [
            (
                item.itemid,
                item.label,
                item.category,
                item.unit or None,
                "Text" if item.itemid in GCS_WORDS else "Numeric",
            )
            for item in CHART_ITEMS
        ]
        + [
            (n.itemid, n.label, n.category, n.unit or None, "Text" if n.words else "Numeric")
            for n in NUISANCE_ITEMS
        ]
    )
    return {
        "mimic-iv/hosp/d_icd_diagnoses": pl.DataFrame(
            {"icd_code": code, "icd_version": version, "long_title": title}
        ),
        "mimic-iv/hosp/d_labitems": pl.DataFrame(
            labs, schema=["itemid", "label", "fluid", "category"], orient="row"
        ),
        "mimic-iv/icu/d_items": pl.DataFrame(
            chart, schema=["itemid", "label", "category", "unitname", "param_type"], orient="row"
        ).select(
            "itemid",
            "label",
            pl.col("label").alias("abbreviation"),
            pl.lit("chartevents").alias("linksto"),
            "category",
            "unitname",
            "param_type",
            pl.lit(None, pl.Float64).alias("lownormalvalue"),
            pl.lit(None, pl.Float64).alias("highnormalvalue"),
        ),
    }


def _patients(rng: np.random.Generator, people: People) -> pl.DataFrame:
    dod = pl.Series(people.dod.astype(np.int32)).cast(pl.Date)
    return pl.DataFrame(
        {
            "subject_id": people.subject,
            "gender": pick(["M", "F"], people.female.astype(int)),
            # Everyone above 89 is 91.
            "anchor_age": np.where(people.age > 89, 91, people.age),
            "anchor_year": people.first_year,
            "anchor_year_group": pick(_GROUPS, people.group),
            "dod": dod.set(pl.Series(people.dod < 0), None),
        }
    )[rng.permutation(len(people.subject))]


def _admissions(rng: np.random.Generator, people: People) -> pl.DataFrame:
    count = len(people.hadm)
    emergency = rng.random(count) < 0.6
    arrival = people.admit - rng.integers(1 * HOUR, 12 * HOUR, count)
    left = people.admit + rng.integers(0, 2 * HOUR, count)
    going = np.where(people.died, len(_TO) - 1, rng.integers(0, len(_TO) - 1, count))
    return pl.DataFrame(
        {
            "subject_id": people.subject[people.patient],
            "hadm_id": people.hadm,
            "admittime": times(people.admit),
            "dischtime": times(people.discharge),
            "deathtime": times(people.death),
            "admission_type": pick(_KINDS, rng.integers(0, len(_KINDS), count)),
            "admit_provider_id": pick(["P00GEN", None], rng.integers(0, 2, count)),
            "admission_location": pick(_FROM, rng.integers(0, len(_FROM), count)),
            "discharge_location": pick(_TO, going),
            "insurance": pick(["Medicare", "Medicaid", "Other"], rng.integers(0, 3, count)),
            "language": pick(["ENGLISH", "?"], rng.integers(0, 2, count)),
            "marital_status": pick(["MARRIED", "SINGLE", None], rng.integers(0, 3, count)),
            "race": pick(["GENERATED"], np.zeros(count, dtype=int)),
            "edregtime": times(np.where(emergency, arrival // 60 * 60, -1)),
            "edouttime": times(np.where(emergency, left // 60 * 60, -1)),
            "hospital_expire_flag": people.died.astype(int),
        }
    )


def _stays(rng: np.random.Generator, people: People) -> pl.DataFrame:
    count = len(people.stay)
    first = rng.integers(0, len(_UNITS), count)
    last = np.where(people.transferred, (first + 1) % len(_UNITS), first)
    frame = pl.DataFrame(
        {
            "subject_id": people.subject[people.patient[people.admission]],
            "hadm_id": people.hadm[people.admission],
            "stay_id": people.stay,
            "first_careunit": pick(_UNITS, first),
            "last_careunit": pick(_UNITS, last),
            "intime": times(people.intime),
            "outtime": times(people.outtime),
            "los": (people.outtime - people.intime) / DAY,
        }
    )
    return frame[rng.permutation(count)]
