"""The rows of icu/chartevents of a block."""

import numpy as np
import polars as pl

from fleximodal.sources.hospital.items4 import CHART_ITEMS, GCS_WORDS, NUISANCE_ITEMS
from fleximodal.sources.hospital.people import HOUR, People
from fleximodal.sources.hospital.quantities import BY_NAME
from fleximodal.sources.hospital.rows import Mess, Rows, nullable, number_text, pick, times
from fleximodal.sources.hospital.series import (
    Moments,
    draw_draws,
    draw_rounds,
    draw_starts,
    draw_values,
)

_ITEM_IDS = np.array([item.itemid for item in (*CHART_ITEMS, *NUISANCE_ITEMS)])
_POSITION = {item.itemid: position for position, item in enumerate(CHART_ITEMS)}
_HEART_RATE = _POSITION[220045]
# Of all rows, where no number of rows is asked for.
_NUISANCE_SHARE = 0.1


def draw_chart(
    rng: np.random.Generator,
    mess: Mess,
    people: People,
    *,
    hours_between_rounds: float,
    rows_per_stay: int | None,
) -> tuple[pl.DataFrame, Moments, dict[str, np.ndarray]]:
    """Draw the rows of chartevents; return them, the draws of blood, and the values in these."""
    x, w = people.latents.x[:, 0], people.latents.w[:, 0]
    rounds, dense = draw_rounds(rng, people, hours_between_rounds)
    mess.counts["stays charted every two minutes"] = int(dense.sum())
    mess.counts["stays without numeric rows"] = int((~people.latents.rows).sum())
    by_time = {"round": rounds, "draw": draw_draws(rng, people), "start": draw_starts(people)}
    values: dict[str, dict[str, np.ndarray]] = {}
    for at, moments in by_time.items():
        # The draws also serve labevents, so they have every quantity.
        names = [
            name
            for name in BY_NAME
            if at == "draw" or any(item.quantity == name and item.at == at for item in CHART_ITEMS)
        ]
        values[at] = draw_values(rng, moments, x, w, names)
    parts = []
    for position, item in enumerate(CHART_ITEMS):
        moments = by_time[item.at]
        value = values[item.at][item.quantity]
        charted = rng.random(len(people.stay)) < item.in_stays
        seen = charted[moments.place] & (rng.random(len(value)) < item.share) & ~np.isnan(value)
        safe = np.zeros(len(value), dtype=bool)
        if position == _HEART_RATE:
            # So that every stay that has rounds has a number.
            safe = np.append(True, moments.place[1:] != moments.place[:-1])[: len(value)]
            seen = seen | safe
        parts.append(
            Rows(
                moments.place[seen],
                moments.time[seen],
                np.full(int(seen.sum()), position),
                _as_charted(position, value[seen]),
                safe[seen],
            )
        )
    rows = _spoil(mess, people, Rows.concat(parts))
    own = len(rows.place)
    wanted = own * _NUISANCE_SHARE if rows_per_stay is None else rows_per_stay * len(dense) - own
    rows = Rows.concat([rows, _empty(mess, people), _nuisance(rng, people, max(int(wanted), 0))])
    order = np.lexsort((rows.time, rows.place))
    return _frame(rng, people, rows.of(order)), by_time["draw"], values["draw"]


def _as_charted(position: int, value: np.ndarray) -> np.ndarray:
    item = CHART_ITEMS[position]
    decimals = BY_NAME[item.quantity].decimals
    charted: np.ndarray = np.round(item.factor * value + item.shift, decimals)
    return charted


def _spoil(mess: Mess, people: People, rows: Rows) -> Rows:
    def of(*itemids: int) -> np.ndarray:
        return np.isin(rows.item, [_POSITION[itemid] for itemid in itemids])

    pressures = of(220179, 220180, 220181)
    mess.change("outliers", rows, of(220045, 220210), 0.001, lambda v: np.full(len(v), 9999.0))
    mess.change("outliers", rows, pressures, 0.001, lambda v: -v)
    mess.change("outliers", rows, of(220277), 0.001, lambda v: v * 100)
    mess.change(
        "Celsius as Fahrenheit", rows, of(223761), 0.01, lambda v: np.round((v - 32) / 1.8, 1)
    )
    mess.change(
        "Fahrenheit as Celsius", rows, of(223762), 0.02, lambda v: np.round(v * 1.8 + 32, 1)
    )
    mess.change("fraction for percent", rows, of(223835), 0.05, lambda v: v / 100)
    mess.change(
        "pounds for kilograms", rows, of(224639, 226512), 0.02, lambda v: np.round(v / 0.4536, 1)
    )
    number = ~rows.safe & ~np.isnan(rows.value)
    # Beyond the stay by up to two hours, before its begin or after its end.
    later = mess.some("rows after the end of the stay", number, 0.001)
    stay = rows.place[later]
    rows.time[later] = people.outtime[stay] + mess.rng.integers(60, 2 * HOUR, len(later))
    earlier = mess.some("rows before the begin of the stay", number, 0.0005)
    stay = rows.place[earlier]
    rows.time[earlier] = people.intime[stay] - mess.rng.integers(60, 2 * HOUR, len(earlier))
    rows.value[mess.some("rows without a number", number, 0.003)] = np.nan
    return mess.repeat(rows)


def _empty(mess: Mess, people: People) -> Rows:
    """Return rows without a number in the stays that have no numeric rows."""
    place = np.repeat(np.flatnonzero(~people.latents.rows), 3)
    time = people.intime[place] + mess.rng.integers(1, 600, len(place))
    return Rows(
        place,
        time,
        np.full(len(place), _HEART_RATE),
        np.full(len(place), np.nan),
        np.ones(len(place), dtype=bool),
    )


def _nuisance(rng: np.random.Generator, people: People, count: int) -> Rows:
    """Return rows of items that no channel reads, in proportion to the length of stay."""
    weight = people.latents.days * people.latents.rows
    place = np.repeat(np.arange(len(weight)), rng.multinomial(count, weight / weight.sum()))
    length = people.outtime[place] - people.intime[place]
    time = people.intime[place] + (rng.random(len(place)) * length).astype(np.int64)
    share = np.array([item.share for item in NUISANCE_ITEMS])
    which = rng.choice(len(share), len(place), p=share / share.sum())
    mean = np.array([item.mean if not item.words else np.nan for item in NUISANCE_ITEMS])[which]
    spread = np.array([item.spread for item in NUISANCE_ITEMS])[which]
    value = np.round(mean + spread * rng.standard_normal(len(place)))
    return Rows(place, time, len(CHART_ITEMS) + which, value, np.ones(len(place), dtype=bool))


def _frame(rng: np.random.Generator, people: People, rows: Rows) -> pl.DataFrame:
    count = len(rows.place)
    itemid = _ITEM_IDS[rows.item]
    number = number_text(rows.value)
    units = [item.unit or None for item in (*CHART_ITEMS, *NUISANCE_ITEMS)]
    admission = people.admission[rows.place]
    stored = rows.time + rng.integers(1, 40, count) * 60
    return pl.DataFrame(
        {
            "subject_id": people.subject[people.patient[admission]],
            "hadm_id": people.hadm[admission],
            "stay_id": people.stay[rows.place],
            "caregiver_id": nullable(rng.integers(1, 99_999, count), rng.random(count) < 0.1),
            "charttime": times(rows.time),
            "storetime": times(np.where(rng.random(count) < 0.02, -1, stored)),
            "itemid": itemid,
            "value": _texts(rng, itemid, rows, number),
            "valuenum": number,
            "valueuom": pick(units, rows.item),
            "warning": nullable((rng.random(count) < 0.02).astype(int), rng.random(count) < 0.01),
        }
    )


def _texts(
    rng: np.random.Generator, itemid: np.ndarray, rows: Rows, number: pl.Series
) -> pl.Series:
    """Return what stands in `value`: the number, or words where the item is charted in words."""
    words: list[str | None] = []
    position = np.full(len(itemid), -1)
    choices = {item: texts for item, texts in GCS_WORDS.items()}
    choices |= {item.itemid: item.words for item in NUISANCE_ITEMS if item.words}
    for item, texts in choices.items():
        of_item = np.flatnonzero(itemid == item)
        if item in GCS_WORDS:
            score = np.nan_to_num(rows.value[of_item], nan=1.0).astype(int)
            which = np.clip(score, 1, len(texts)) - 1
        else:
            which = rng.integers(0, len(texts), len(of_item))
        position[of_item] = len(words) + which
        words += texts
    worded = pick([*words, None], np.where(position < 0, len(words), position))
    return pl.DataFrame({"w": worded, "n": number}).select(pl.coalesce("w", "n")).to_series()
