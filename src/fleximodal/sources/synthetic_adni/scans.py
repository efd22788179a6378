"""Which images were taken when, and which of them failed."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.synthetic_adni.model import LETTERS
from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.visits import Visits

_SCANNED = 0.6
_FAILED = 0.08


@dataclass(frozen=True)
class Scans:
    """m scans: their visits, whether processing failed, and the image id; the order is random."""

    visits: Visits
    failed: np.ndarray
    image: np.ndarray


def draw_scans(rng: np.random.Generator, people: People, visits: Visits) -> Scans:
    """Draw one scan at least per person who has images, and one success at least per person."""
    has = people.has[:, LETTERS.index("I")][visits.person]
    scanned = visits.of(np.flatnonzero(has & (visits.first | (rng.random(len(has)) < _SCANNED))))
    several = np.bincount(scanned.person, minlength=len(people.rid))[scanned.person] > 1
    # At most one scan per person fails: the last or the first.
    last = np.append(scanned.person[1:] != scanned.person[:-1], True)
    by_person = rng.random(len(people.rid))[scanned.person]
    failed = several & np.where(
        by_person < _FAILED, last, scanned.first & (by_person > 1 - _FAILED)
    )
    order = rng.permutation(len(failed))
    return Scans(scanned.of(order), failed[order], 5_000_000 + rng.permutation(len(failed)))
