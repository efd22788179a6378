"""The small tables of MIMIC-III: people, stays, diagnoses, notes, dictionaries."""

import numpy as np
import polars as pl

from fleximodal.sources.hospital.diagnoses import Codes, dictionary
from fleximodal.sources.hospital.items import Items
from fleximodal.sources.hospital.items3 import CAREVUE, LAB_FLUIDS, LABS, METAVISION, NUISANCE
from fleximodal.sources.hospital.people import DAY, HOUR, People
from fleximodal.sources.hospital.rows import Mess, nullable, pick, times
from fleximodal.sources.hospital.wording import discharge_texts, radiology_texts

_UNITS = ["MICU", "SICU", "CSRU", "CCU", "TSICU"]
_CATEGORIES = ["Radiology", "Nursing/other", "Physician ", "Nursing"]
_CHILD_SHARE = 0.02
_MOST_ROWS = 1_000_000


def core_tables(
    rng: np.random.Generator,
    mess: Mess,
    people: People,
    codes: Codes,
    carevue: np.ndarray,
    notes: Items,
) -> dict[str, pl.DataFrame]:
    """Return PATIENTS, ADMISSIONS, ICUSTAYS, DIAGNOSES_ICD and NOTEEVENTS of a block, by path."""
    tables = {
        "PATIENTS": _patients(rng, mess, people),
        "ADMISSIONS": _admissions(rng, people),
        "ICUSTAYS": _stays(rng, people, carevue),
        "DIAGNOSES_ICD": pl.DataFrame(
            {
                "SUBJECT_ID": people.subject[people.patient[codes.admission]],
                "HADM_ID": people.hadm[codes.admission],
                "SEQ_NUM": codes.seq,
                "ICD9_CODE": codes.code,
            }
        ),
        "NOTEEVENTS": _notes(rng, mess, people, notes),
    }
    return {f"mimic-iii/{name}": _numbered(people, table) for name, table in tables.items()}


def dictionaries() -> dict[str, pl.DataFrame]:
    """Return D_ICD_DIAGNOSES, D_ITEMS and D_LABITEMS by path, and an empty OUTPUTEVENTS."""
    titles = [(code, title) for code, version, title in dictionary() if version == 9]
    items = [
        (item.itemid, item.label, system, item.unit or None)
        for system, of_system in (
            ("carevue", (*CAREVUE, NUISANCE[0])),
            ("metavision", (*METAVISION, NUISANCE[1])),
        )
        for item in of_system
    ]
    code = pl.Series([code for code, _ in titles])
    title = pl.Series([title for _, title in titles])
    d_items = pl.DataFrame(
        sorted(items), schema=["ITEMID", "LABEL", "DBSOURCE", "UNITNAME"], orient="row"
    ).select(
        "ITEMID",
        "LABEL",
        pl.col("LABEL").alias("ABBREVIATION"),
        "DBSOURCE",
        pl.lit("chartevents").alias("LINKSTO"),
        pl.lit(None, pl.String).alias("CATEGORY"),
        "UNITNAME",
        pl.lit(None, pl.String).alias("PARAM_TYPE"),
        pl.lit(None, pl.Int64).alias("CONCEPTID"),
    )
    d_labs = pl.DataFrame(
        {
            "ITEMID": [item.itemid for item in LABS],
            "LABEL": [item.label for item in LABS],
            "FLUID": [LAB_FLUIDS.get(item.itemid, "Blood") for item in LABS],
            "CATEGORY": ["Chemistry"] * len(LABS),
            "LOINC_CODE": pl.Series([None] * len(LABS), dtype=pl.String),
        }
    )
    texts = pl.Series([], dtype=pl.String)
    outputs = [
        *("SUBJECT_ID", "HADM_ID", "ICUSTAY_ID", "CHARTTIME", "ITEMID", "VALUE", "VALUEUOM"),
        *("STORETIME", "CGID", "STOPPED", "NEWBOTTLE", "ISERROR"),
    ]
    tables = {
        "D_ICD_DIAGNOSES": pl.DataFrame(
            {"ICD9_CODE": code, "SHORT_TITLE": title.str.head(24), "LONG_TITLE": title}
        ),
        "D_ITEMS": d_items,
        "D_LABITEMS": d_labs,
        "OUTPUTEVENTS": pl.DataFrame({name: texts for name in outputs}),
    }
    return {
        f"mimic-iii/{name}": table.with_row_index("ROW_ID", 1) for name, table in tables.items()
    }


def _numbered(people: People, table: pl.DataFrame) -> pl.DataFrame:
    if table.height >= _MOST_ROWS:
        raise RuntimeError(f"a block has {table.height} rows of one table")
    return table.with_row_index("ROW_ID", people.number * _MOST_ROWS + 1)


def _patients(rng: np.random.Generator, mess: Mess, people: People) -> pl.DataFrame:
    count = len(people.subject)
    child = np.zeros(count, dtype=bool)
    child[mess.some("children", ~child, _CHILD_SHARE)] = True
    first = np.append(True, people.patient[1:] != people.patient[:-1])
    admitted = people.admit[first] // DAY
    age = np.where(child, rng.integers(0, 17, count), people.age)
    if mess.first and not (age > 89).any():
        age[np.flatnonzero(~child)[0]] = 91
    days = np.round((age + rng.uniform(0.05, 0.9, count)) * 365.2425).astype(np.int64)
    # Whoever is above 89 was born 300 years before the first admission, so the release says.
    days[age > 89] = round(300 * 365.2425)
    mess.counts["births 300 years before"] = int((age > 89).sum())
    in_hospital = np.full(count, -1)
    in_hospital[people.patient[people.died]] = people.death[people.died] // DAY * DAY
    dod = np.where(people.dod >= 0, people.dod * DAY, -1)
    return pl.DataFrame(
        {
            "SUBJECT_ID": people.subject,
            "GENDER": pick(["M", "F"], people.female.astype(int)),
            "DOB": _old(admitted - days),
            "DOD": times(dod),
            "DOD_HOSP": times(in_hospital),
            "DOD_SSN": times(np.where(rng.random(count) < 0.7, dod, -1)),
            "EXPIRE_FLAG": (dod >= 0).astype(int),
        }
    )


def _old(days: np.ndarray) -> pl.Series:
    """Return days since 1970, possibly before, as date-times."""
    return pl.Series(days * DAY * 1_000_000).cast(pl.Datetime("us"))


def _admissions(rng: np.random.Generator, people: People) -> pl.DataFrame:
    count = len(people.hadm)
    emergency = rng.random(count) < 0.6
    arrival = (people.admit - rng.integers(1 * HOUR, 12 * HOUR, count)) // 60 * 60
    return pl.DataFrame(
        {
            "SUBJECT_ID": people.subject[people.patient],
            "HADM_ID": people.hadm,
            "ADMITTIME": times(people.admit),
            "DISCHTIME": times(people.discharge),
            "DEATHTIME": times(people.death),
            "ADMISSION_TYPE": pick(["ELECTIVE", "EMERGENCY"], emergency.astype(int)),
            "ADMISSION_LOCATION": pick(["EMERGENCY ROOM ADMIT"], np.zeros(count, dtype=int)),
            "DISCHARGE_LOCATION": pick(["HOME", "DEAD/EXPIRED"], people.died.astype(int)),
            "INSURANCE": pick(["Medicare", "Private"], rng.integers(0, 2, count)),
            "LANGUAGE": pick(["ENGL", None], rng.integers(0, 2, count)),
            "RELIGION": pick([None], np.zeros(count, dtype=int)),
            "MARITAL_STATUS": pick(["MARRIED", "SINGLE", None], rng.integers(0, 3, count)),
            "ETHNICITY": pick(["GENERATED"], np.zeros(count, dtype=int)),
            "EDREGTIME": times(np.where(emergency, arrival, -1)),
            "EDOUTTIME": times(np.where(emergency, people.admit + HOUR, -1)),
            "DIAGNOSIS": pick(
                ['"GENERATED"; NO PATIENT', "GENERATED,OTHER"], rng.integers(0, 2, count)
            ),
            "HOSPITAL_EXPIRE_FLAG": people.died.astype(int),
            "HAS_CHARTEVENTS_DATA": np.isin(np.arange(count), people.admission).astype(int),
        }
    )


def _stays(rng: np.random.Generator, people: People, carevue: np.ndarray) -> pl.DataFrame:
    count = len(people.stay)
    first = rng.integers(0, len(_UNITS), count)
    last = np.where(people.transferred, (first + 1) % len(_UNITS), first)
    return pl.DataFrame(
        {
            "SUBJECT_ID": people.subject[people.patient[people.admission]],
            "HADM_ID": people.hadm[people.admission],
            "ICUSTAY_ID": people.stay,
            "DBSOURCE": pick(["metavision", "carevue"], carevue.astype(int)),
            "FIRST_CAREUNIT": pick(_UNITS, first),
            "LAST_CAREUNIT": pick(_UNITS, last),
            "FIRST_WARDID": 10 + first,
            "LAST_WARDID": 10 + last,
            "INTIME": times(people.intime),
            "OUTTIME": times(people.outtime),
            "LOS": np.round((people.outtime - people.intime) / DAY, 4),
        }
    )[rng.permutation(count)]


def _notes(rng: np.random.Generator, mess: Mess, people: People, items: Items) -> pl.DataFrame:
    count = len(items.time)
    category = rng.choice(len(_CATEGORIES), count, p=(0.4, 0.3, 0.1, 0.2))
    text = radiology_texts(rng, items.x, items.w)
    # Names and dates are masked by brackets here.
    text = ("[**2101-1-1**] Reason: [**Name (NI) 1**]\n" + text).alias("t")
    stored = np.where(category == 0, -1, items.time + rng.integers(60, HOUR, count))
    wrong = np.zeros(count, dtype=bool)
    wrong[mess.some("notes marked as errors", items.stay < 0, 0.01)] = True
    mess.counts["notes outside every stay"] = int((items.stay < 0).sum())
    mess.counts["notes without an admission id"] = int((~items.in_hospital).sum())
    # Discharge summaries have a date and no time.
    summarised = np.flatnonzero(rng.random(len(people.hadm)) < 0.9)
    summary = discharge_texts(rng, people.x[summarised, 1], people.w[summarised, 1])
    mess.counts["notes without a time"] = len(summarised)
    admission = np.concatenate([items.admission, summarised])
    time = np.concatenate([items.time, people.discharge[summarised]])
    timed = np.arange(len(time)) < count
    return pl.DataFrame(
        {
            "SUBJECT_ID": people.subject[people.patient[admission]],
            "HADM_ID": nullable(
                people.hadm[admission],
                np.concatenate([~items.in_hospital, np.zeros(len(summarised), dtype=bool)]),
            ),
            "CHARTDATE": times(time).dt.date(),
            "CHARTTIME": times(np.where(timed, time, -1)),
            "STORETIME": times(np.concatenate([stored, np.full(len(summarised), -1)])),
            "CATEGORY": pick(
                [*_CATEGORIES, "Discharge summary"],
                np.concatenate([category, np.full(len(summarised), len(_CATEGORIES))]),
            ),
            "DESCRIPTION": pick(["Report"], np.zeros(len(time), dtype=int)),
            "CGID": nullable(rng.integers(14_000, 21_000, len(time)), rng.random(len(time)) < 0.4),
            "ISERROR": nullable(
                np.ones(len(time), dtype=int),
                ~np.append(wrong, np.zeros(len(summarised), dtype=bool)),
            ),
            "TEXT": pl.concat([text.alias("TEXT"), summary.alias("TEXT")]),
        }
    )
