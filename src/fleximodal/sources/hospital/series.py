"""Rounds of vital signs, draws of blood, and the values of every quantity in them."""

from dataclasses import dataclass

import numpy as np

from fleximodal.sources.hospital.people import DAY, HOUR, People
from fleximodal.sources.hospital.quantities import (
    BY_NAME,
    LEVEL_NOISE,
    VARIES_BY_SEVERITY,
    VARIES_BY_STATE,
    Quantity,
)

DENSE_MINUTES = 2
_DENSE_SHARE = 0.002
_HOURS_BETWEEN_DRAWS = 9.0
_WARD_HOURS_BETWEEN_DRAWS = 30.0
_OUTPATIENT_DRAWS = 0.6


@dataclass(frozen=True)
class Moments:
    """Times at which a place (a stay or an admission) is measured; arrays of shape (n,).

    `place`: position, `time` in seconds since 1970, `hours` since the stay began (0 outside).
    """

    place: np.ndarray
    time: np.ndarray
    hours: np.ndarray

    def of(self, chosen: np.ndarray) -> "Moments":
        """Return the chosen moments (mask or positions)."""
        return Moments(self.place[chosen], self.time[chosen], self.hours[chosen])


def draw_rounds(
    rng: np.random.Generator, people: People, hours_between: float
) -> tuple[Moments, np.ndarray]:
    """Draw the rounds of vital signs, and which stays are charted every two minutes, shape (s,).

    The pace differs from stay to stay and depends a little on what the vitals show.
    """
    stays = len(people.stay)
    rows = people.latents.rows
    length = people.latents.days * 24
    pace = hours_between * np.exp(0.15 * rng.standard_normal(stays) - 0.05 * people.latents.x[:, 0])
    dense = rng.random(stays) < _DENSE_SHARE
    if people.number == 0:
        candidates = np.flatnonzero(rows & (length >= 48))
        if len(candidates):
            dense[candidates[0]] = True
    count = np.maximum(np.ceil(np.minimum(length, 2_000) / pace), 1).astype(np.int64)
    count[dense] = (np.minimum(length[dense], 48) * 60 / DENSE_MINUTES).astype(np.int64)
    count[~rows] = 0
    return _spread(rng, people, count, np.where(dense, np.minimum(length, 48), length)), dense


def draw_starts(people: People) -> Moments:
    """Return one moment in the first minutes of every stay with numeric rows."""
    place = np.flatnonzero(people.latents.rows)
    time = people.intime[place] + 60
    return Moments(place, time, (time - people.intime[place]) / HOUR)


def draw_draws(rng: np.random.Generator, people: People) -> Moments:
    """Draw the times at which blood is taken in stays with numeric rows.

    Where two stays touch, also at the time that they share.
    """
    length = people.latents.days * 24
    count = rng.poisson(np.minimum(length, 2_000) / _HOURS_BETWEEN_DRAWS) + 1
    count[~people.latents.rows] = 0
    moments = _spread(rng, people, count, length)
    shared = np.flatnonzero(touching(people) & people.latents.rows)
    return Moments(
        np.concatenate([moments.place, shared]),
        np.concatenate([moments.time, people.intime[shared]]),
        np.concatenate([moments.hours, np.zeros(len(shared))]),
    )


def touching(people: People) -> np.ndarray:
    """Return which stays begin when the one before in the same admission ends, shape (s,)."""
    after = people.admission[1:] == people.admission[:-1]
    result = np.zeros(len(people.stay), dtype=bool)
    result[1:] = after & (people.outtime[:-1] == people.intime[1:])
    return result


def draw_ward_draws(rng: np.random.Generator, people: People) -> tuple[Moments, np.ndarray]:
    """Draw the times at which blood is taken outside the unit, by admission, and if in hospital."""
    length = (people.discharge - people.admit) / HOUR
    inside = np.repeat(
        np.arange(len(length)),
        rng.poisson(np.minimum(length, 2_000) / _WARD_HOURS_BETWEEN_DRAWS) + 1,
    )
    time = people.admit[inside] + (rng.random(len(inside)) * length[inside] * HOUR).astype(np.int64)
    keep = np.ones(len(inside), dtype=bool)
    # An admission has two stays at most.
    first = np.append(True, people.admission[1:] != people.admission[:-1])
    for chosen in (first, ~first):
        begin, end = np.full((2, len(length)), -1)
        begin[people.admission[chosen]] = people.intime[chosen]
        end[people.admission[chosen]] = people.outtime[chosen]
        keep &= ~((begin[inside] <= time + 60) & (time <= end[inside] + 60))
    before = np.repeat(np.arange(len(length)), rng.poisson(_OUTPATIENT_DRAWS, len(length)))
    earlier = people.admit[before] - (rng.uniform(2, 20, len(before)) * DAY).astype(np.int64)
    place = np.concatenate([inside[keep], before])
    moments = Moments(place, np.concatenate([time[keep], earlier]), np.zeros(len(place)))
    return moments, np.arange(len(place)) < keep.sum()


def draw_values(
    rng: np.random.Generator,
    moments: Moments,
    x: np.ndarray,
    w: np.ndarray,
    names: list[str],
) -> dict[str, np.ndarray]:
    """Draw the value of each quantity at each moment; NaN where the place never measures it.

    Parameters
    ----------
    rng
        Source of chance.
    moments
        Times, n of them.
    x, w
        By place, what the vitals show of the severity, and their private state.
    names
        Names of quantities.

    Returns
    -------
    dict of numpy.ndarray
        By name, shape (n,), in the quantity's unit.
    """
    grown = 0.4 + 1.2 * np.clip(moments.hours / 48, 0, 1)
    place = moments.place
    values = {}
    for name in names:
        quantity = BY_NAME[name]
        level = LEVEL_NOISE * rng.standard_normal(len(x))
        measured = rng.random(len(x)) < quantity.in_stays
        noise = quantity.row_noise * rng.standard_normal(len(place))
        if name in VARIES_BY_STATE:
            noise *= np.exp(0.35 * w[place])
        if name in VARIES_BY_SEVERITY:
            noise *= np.exp(0.35 * x[place])
        on_x = quantity.x * x[place] * (grown if quantity.trend == "x" else 1)
        on_w = quantity.w * w[place] * (grown if quantity.trend == "w" else 1)
        effect = on_x + on_w + level[place] + noise
        values[name] = np.where(measured[place], _value(quantity, effect), np.nan)
    return values


def _value(quantity: Quantity, effect: np.ndarray) -> np.ndarray:
    scaled = quantity.scale * effect
    value = quantity.base * np.exp(scaled) if quantity.log else quantity.base + scaled
    return np.clip(value, quantity.low, quantity.high)


def _spread(
    rng: np.random.Generator, people: People, count: np.ndarray, length: np.ndarray
) -> Moments:
    """Lay `count` moments over the first `length` hours of each stay, in order, to the minute."""
    place = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    within = np.arange(len(place)) - first[place]
    share = (within + rng.uniform(0.1, 0.9, len(place))) / count[place]
    seconds = (share * length[place] * HOUR).astype(np.int64)
    # Up to the next whole minute, unless that lies beyond the end.
    time = -(-(people.intime[place] + seconds) // 60) * 60
    time = np.where(time < people.outtime[place], time, people.intime[place] + seconds)
    return Moments(place, time, (time - people.intime[place]) / HOUR)
