"""The rows of note/radiology and note/discharge of a block."""

import numpy as np
import polars as pl

from fleximodal.sources.hospital.items import Items
from fleximodal.sources.hospital.model import MODALITIES
from fleximodal.sources.hospital.people import DAY, HOUR, People
from fleximodal.sources.hospital.rows import Mess, nullable, times
from fleximodal.sources.hospital.wording import discharge_texts, radiology_texts

_ADDENDUM_SHARE = 0.03
_DISCHARGE_SHARE = 0.95
_NOTES = MODALITIES.index("notes")


def radiology(rng: np.random.Generator, mess: Mess, people: People, items: Items) -> pl.DataFrame:
    """Return the rows of radiology."""
    mess.counts["notes outside every stay"] = int((items.stay < 0).sum())
    mess.counts["notes without an admission id"] = int((~items.in_hospital).sum())
    addendum = np.zeros(len(items.time), dtype=bool)
    addendum[mess.some("addenda", ~addendum, _ADDENDUM_SHARE)] = True
    kind = pl.Series(np.where(addendum, "AR", "RR"))
    stored = items.time + rng.integers(HOUR, 12 * HOUR, len(items.time))
    text = radiology_texts(rng, items.x, items.w)
    mess.counts["texts with quotation marks"] = int(text.str.contains('"', literal=True).sum())
    return _table(
        people,
        items.admission,
        kind,
        items.time,
        np.where(rng.random(len(stored)) < 0.01, -1, stored),
        text,
        ~items.in_hospital,
    )


def discharge(rng: np.random.Generator, people: People) -> pl.DataFrame:
    """Return the rows of discharge: most admissions have one summary, dated at midnight."""
    admission = np.flatnonzero(rng.random(len(people.hadm)) < _DISCHARGE_SHARE)
    day = people.discharge[admission] // DAY * DAY
    stored = people.discharge[admission] + rng.integers(HOUR, 60 * HOUR, len(admission))
    text = discharge_texts(rng, people.x[admission, _NOTES], people.w[admission, _NOTES])
    kind = pl.Series(["DS"] * len(admission), dtype=pl.String)
    null = np.zeros(len(admission), dtype=bool)
    return _table(people, admission, kind, day, stored, text, null)


def _table(
    people: People,
    admission: np.ndarray,
    kind: pl.Series,
    time: np.ndarray,
    stored: np.ndarray,
    text: pl.Series,
    without: np.ndarray,
) -> pl.DataFrame:
    patient = people.patient[admission]
    # Admissions of a patient stand together, so its notes do: number them from 2, as they come.
    number = np.arange(len(patient)) - np.searchsorted(patient, patient) + 2
    return pl.DataFrame(
        {
            "subject_id": people.subject[patient],
            "hadm_id": nullable(people.hadm[admission], without),
            "note_type": kind,
            "note_seq": number,
            "charttime": times(time),
            "storetime": times(stored),
            "text": text,
        }
    ).select(
        pl.concat_str("subject_id", "note_type", "note_seq", separator="-").alias("note_id"),
        pl.all(),
    )
