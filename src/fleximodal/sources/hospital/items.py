"""When the notes, radiographs and ECGs of stays are made, and those outside every stay."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.hospital.latents import ITEM_RATES
from fleximodal.sources.hospital.model import EARLY_DAYS, MODALITIES
from fleximodal.sources.hospital.people import DAY, People

# Mean number per admission of items before the admission, and between admission and unit.
_BEFORE = {"notes": 0.7, "cxr": 0.35, "ecg": 0.5}
_WARD = {"notes": 0.4, "cxr": 0.2, "ecg": 0.4}
_MOST_LATE_DAYS = 10.0


@dataclass(frozen=True)
class Items:
    """Items of one modality, sorted by patient and time; every array has shape (n,).

    `admission` is the position of the admission they belong to or precede, `stay` that of the stay
    they lie in (-1: none), `in_hospital` whether they were made during the admission; `x` and `w`
    are what they show.
    """

    admission: np.ndarray
    stay: np.ndarray
    in_hospital: np.ndarray
    time: np.ndarray
    x: np.ndarray
    w: np.ndarray


def draw_items(rng: np.random.Generator, people: People, modality: str) -> Items:
    """Draw the items of a modality; in each stay just where the latent truth says so."""
    m = MODALITIES.index(modality)
    truth = people.latents
    rate = ITEM_RATES[modality]
    shown = np.minimum(truth.days, EARLY_DAYS)
    beyond = np.clip(truth.days - EARLY_DAYS, 0, _MOST_LATE_DAYS)
    early = truth.early[:, m] * (1 + rng.poisson(rate * shown / EARLY_DAYS))
    late = truth.late[:, m] * (1 + rng.poisson(rate * beyond / EARLY_DAYS))
    everyone = np.arange(len(truth.days))
    early_stay, late_stay = np.repeat(everyone, early), np.repeat(everyone, late)
    # Strictly inside, so that no item lies on a boundary of a stay or of a window.
    early_time = shown[early_stay] * rng.uniform(0.002, 0.998, len(early_stay))
    after = truth.days[late_stay] - EARLY_DAYS
    late_time = EARLY_DAYS + after * rng.uniform(0.02, 0.98, len(late_stay))
    stay = np.concatenate([early_stay, late_stay])
    days = np.concatenate([early_time, late_time])
    before = np.repeat(np.arange(len(people.u)), rng.poisson(_BEFORE[modality], len(people.u)))
    ward = np.repeat(np.arange(len(people.u)), rng.poisson(_WARD[modality], len(people.u)))
    to_unit = people.discharge.copy()
    np.minimum.at(to_unit, people.admission, people.intime)
    wait = (to_unit - people.admit)[ward] * rng.uniform(0.02, 0.98, len(ward))
    times = (
        people.intime[stay] + (days * DAY).astype(np.int64),
        people.admit[before] - (rng.uniform(2, 20, len(before)) * DAY).astype(np.int64),
        people.admit[ward] + wait.astype(np.int64),
    )
    outside = np.concatenate([before, ward])
    admission = np.concatenate([people.admission[stay], outside])
    time = np.concatenate(times)
    order = np.lexsort((time, admission))
    return Items(
        admission=admission[order],
        stay=np.concatenate([stay, np.full(len(outside), -1)])[order],
        in_hospital=np.repeat([True, False, True], [len(t) for t in times])[order],
        time=time[order],
        x=np.concatenate([truth.x[stay, m], people.x[outside, m]])[order],
        w=people.w[admission, m][order],
    )


def within_first_day(people: People, items: Items) -> np.ndarray:
    """Return which stays have one of the items within 24 hours, shape (s,)."""
    inside = items.stay >= 0
    stay = items.stay[inside]
    found = np.zeros(len(people.stay), dtype=bool)
    found[stay[items.time[inside] - people.intime[stay] <= DAY]] = True
    return found
