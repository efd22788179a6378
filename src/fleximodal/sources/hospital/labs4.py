"""The rows of hosp/labevents of a block."""

import numpy as np
import polars as pl

from fleximodal.sources.hospital.items4 import LAB_ITEMS
from fleximodal.sources.hospital.people import People
from fleximodal.sources.hospital.quantities import BY_NAME
from fleximodal.sources.hospital.rows import Mess, Rows, nullable, number_text, pick, times
from fleximodal.sources.hospital.series import Moments, draw_values, draw_ward_draws

# Of the draws of blood, how many carry no admission id.
_NULL_HADM_SHARE = 0.15
_MOST_ROWS_PER_BLOCK = 10_000_000
_COMMENTS = (
    "HEMOLYZED, SLIGHTLY",
    'REPEATED AND "CONFIRMED"',
    "DISCARD GREATER THAN 4 HOURS OLD,\nRESULT MAY BE LOW",
    "___",
)


def draw_labs(
    rng: np.random.Generator,
    mess: Mess,
    people: People,
    draws: Moments,
    values: dict[str, np.ndarray],
) -> pl.DataFrame:
    """Draw the rows of labevents: the unit's draws of blood, the ward's, and outpatients'."""
    ward, inside = draw_ward_draws(rng, people)
    of_ward = draw_values(
        rng,
        ward,
        people.x[:, 0],
        people.w[:, 0],
        list(dict.fromkeys(i.quantity for i in LAB_ITEMS)),
    )
    # By draw: first those of the unit, then the others; `place` is the admission.
    place = np.concatenate([people.admission[draws.place], ward.place])
    time = np.concatenate([draws.time, ward.time])
    without = rng.random(len(place)) < _NULL_HADM_SHARE
    if people.number == 0:
        without[0] = True
    without[len(draws.place) :] |= ~inside
    parts = []
    for position, item in enumerate(LAB_ITEMS):
        value = np.concatenate([values[item.quantity], of_ward[item.quantity]])
        measured = rng.random(len(people.hadm)) < item.in_stays
        seen = measured[place] & (rng.random(len(value)) < item.share) & ~np.isnan(value)
        decimals = BY_NAME[item.quantity].decimals
        number = int(seen.sum())
        parts.append(
            Rows(
                np.flatnonzero(seen),
                time[seen],
                np.full(number, position),
                np.round(item.factor * value[seen] + item.shift, decimals),
                np.zeros(number, dtype=bool),
            )
        )
    rows = Rows.concat(parts)
    mess.change("outliers", rows, rows.item >= 0, 0.0005, lambda v: v * 1000)
    creatinine = np.array([item.quantity == "Creatinine" for item in LAB_ITEMS])[rows.item]
    mess.change("micromoles for milligrams", rows, creatinine, 0.002, lambda v: np.round(v * 88.4))
    rows.value[mess.some("rows without a number", rows.item >= 0, 0.005)] = np.nan
    rows = mess.repeat(rows)
    draw = rows.place
    rows.place = place[draw]
    order = np.lexsort((draw, rows.time, rows.place))
    rows, draw = rows.of(order), draw[order]
    mess.counts["rows without an admission id"] = int(without[draw].sum())
    return _frame(rng, mess, people, rows, draw, without[draw])


def _frame(
    rng: np.random.Generator,
    mess: Mess,
    people: People,
    rows: Rows,
    draw: np.ndarray,
    without: np.ndarray,
) -> pl.DataFrame:
    count = len(rows.place)
    if count >= _MOST_ROWS_PER_BLOCK:
        raise RuntimeError(f"a block has {count} laboratory rows")
    first = people.number * _MOST_ROWS_PER_BLOCK + 1
    base, scale, decimals, log = (
        np.array([getattr(BY_NAME[item.quantity], name) for item in LAB_ITEMS])
        for name in ("base", "scale", "decimals", "log")
    )
    low = np.where(log, base * np.exp(-scale), base - scale)
    high = np.where(log, base * np.exp(scale), base + scale)
    low, high = (
        np.array([np.round(v, d) for v, d in zip(limit, decimals, strict=True)])
        for limit in (low, high)
    )
    abnormal = (rows.value < low[rows.item]) | (rows.value > high[rows.item])
    number = number_text(rows.value)
    missing = np.isnan(rows.value)
    commented = np.full(count, len(_COMMENTS))
    chosen = mess.some("comments", np.ones(count, dtype=bool), 0.01)
    commented[chosen] = rng.integers(0, len(_COMMENTS), len(chosen))
    commented[missing] = len(_COMMENTS) - 1
    stored = rows.time + rng.integers(20, 180, count) * 60
    return pl.DataFrame(
        {
            "labevent_id": first + np.arange(count),
            "subject_id": people.subject[people.patient[rows.place]],
            "hadm_id": nullable(people.hadm[rows.place], without),
            "specimen_id": first + draw,
            "itemid": np.array([item.itemid for item in LAB_ITEMS])[rows.item],
            "order_provider_id": pick(["P00GEN", None], rng.integers(0, 2, count)),
            "charttime": times(rows.time),
            "storetime": times(np.where(rng.random(count) < 0.02, -1, stored)),
            "value": number.fill_null("___"),
            "valuenum": number,
            "valueuom": pick([item.unit for item in LAB_ITEMS], rows.item),
            "ref_range_lower": low[rows.item],
            "ref_range_upper": high[rows.item],
            "flag": pick([None, "abnormal"], abnormal.astype(int)),
            "priority": pick(["ROUTINE", "STAT"], rng.integers(0, 2, count)),
            "comments": pick([*_COMMENTS, None], commented),
        }
    )
