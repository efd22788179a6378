"""The rows of CHARTEVENTS and LABEVENTS of MIMIC-III of a block."""

import numpy as np
import polars as pl

from fleximodal.sources.hospital.items3 import (
    CAREVUE,
    LAB_SHARES,
    LABS,
    METAVISION,
    NUISANCE,
    RARE_SHARE,
    ROUND_SHARES,
    WORDS,
)
from fleximodal.sources.hospital.people import HOUR, People
from fleximodal.sources.hospital.quantities import BY_NAME
from fleximodal.sources.hospital.rows import Mess, Rows, nullable, number_text, pick, times
from fleximodal.sources.hospital.series import (
    Moments,
    draw_draws,
    draw_rounds,
    draw_values,
    draw_ward_draws,
)

_ITEMS = (*CAREVUE, *METAVISION, *NUISANCE)
_NUISANCE_SHARE = 0.1
_PAIR_SHARE = 0.01
_NULL_STAY_SHARE = 0.01
_NULL_HADM_SHARE = 0.1
_MOST_ROWS = 10_000_000


def draw_chart(
    rng: np.random.Generator,
    mess: Mess,
    people: People,
    carevue: np.ndarray,
    *,
    hours_between_rounds: float,
    rows_per_stay: int | None,
) -> pl.DataFrame:
    """Draw the rows of CHARTEVENTS; `carevue` says by stay which system charts it."""
    rounds, dense = draw_rounds(rng, people, hours_between_rounds)
    mess.counts["stays charted every two minutes"] = int(dense.sum())
    mess.counts["stays without numeric rows"] = int((~people.latents.rows).sum())
    x, w = people.latents.x[:, 0], people.latents.w[:, 0]
    values = draw_values(rng, rounds, x, w, [name for name in ROUND_SHARES if name in BY_NAME])
    points = [np.round(values[name]) for name in ("GCS eye", "GCS motor", "GCS verbal")]
    values["GCS total"] = np.sum(points, axis=0)
    parts = []
    for system, items in ((True, CAREVUE), (False, METAVISION)):
        for quantity, share in ROUND_SHARES.items():
            usual = [
                k for k, item in enumerate(_ITEMS) if item in items and item.quantity == quantity
            ]
            if not usual:
                continue
            value = values[quantity]
            of_system = (carevue == system)[rounds.place]
            seen = of_system & (rng.random(len(value)) < share) & ~np.isnan(value)
            safe = np.zeros(len(value), dtype=bool)
            if quantity == "Heart rate":
                safe[:1] = True
                safe[1:] = rounds.place[1:] != rounds.place[:-1]
                safe &= of_system
                seen |= safe
            number = int(seen.sum())
            rare = usual[1:] or usual
            item = np.where(
                rng.random(number) < RARE_SHARE,
                np.array(rare)[rng.integers(0, len(rare), number)],
                usual[0],
            )
            parts.append(
                Rows(
                    rounds.place[seen],
                    rounds.time[seen],
                    item,
                    _as_charted(item, value[seen]),
                    safe[seen],
                )
            )
    rows = _spoil(mess, people, Rows.concat(parts))
    own = len(rows.place)
    wanted = own * _NUISANCE_SHARE if rows_per_stay is None else rows_per_stay * len(carevue) - own
    rows = Rows.concat([rows, _empty(people, carevue), _nuisance(rng, people, max(int(wanted), 0))])
    rows = rows.of(np.lexsort((rows.time, rows.place)))
    return _chart_frame(rng, mess, people, carevue, rows)


def draw_labs(rng: np.random.Generator, mess: Mess, people: People) -> pl.DataFrame:
    """Draw the rows of LABEVENTS."""
    unit = draw_draws(rng, people)
    ward, inside = draw_ward_draws(rng, people)
    names = [name for name in dict.fromkeys(item.quantity for item in LABS) if name in BY_NAME]
    latents = people.latents
    of_unit = draw_values(rng, unit, latents.x[:, 0], latents.w[:, 0], names)
    of_ward = draw_values(rng, ward, people.x[:, 0], people.w[:, 0], names)
    draws = Moments(
        np.concatenate([people.admission[unit.place], ward.place]),
        np.concatenate([unit.time, ward.time]),
        np.concatenate([unit.hours, ward.hours]),
    )
    without = rng.random(len(draws.place)) < _NULL_HADM_SHARE
    without[len(unit.place) :] |= ~inside
    if people.number == 0:
        without[0] = True
    parts = []
    for position, (item, share) in enumerate(zip(LABS, LAB_SHARES, strict=True)):
        nothing = np.full(len(draws.place), 0.0)
        value = (
            np.concatenate([of_unit[item.quantity], of_ward[item.quantity]])
            if item.quantity in BY_NAME
            else nothing
        )
        seen = np.flatnonzero((rng.random(len(value)) < share) & ~np.isnan(value))
        number = (
            np.round(value[seen], BY_NAME[item.quantity].decimals)
            if item.quantity in BY_NAME
            else np.full(len(seen), np.nan)
        )
        parts.append(
            Rows(
                seen,
                draws.time[seen],
                np.full(len(seen), position),
                number,
                np.zeros(len(seen), dtype=bool),
            )
        )
    rows = Rows.concat(parts)
    rows.value[mess.some("rows without a number", rows.item >= 0, 0.005)] = np.nan
    rows = mess.repeat(rows)
    rows = rows.of(np.lexsort((rows.item, rows.place)))
    admission = draws.place[rows.place]
    count = len(rows.place)
    mess.counts["rows without an admission id"] = int(without[rows.place].sum())
    number_ = number_text(rows.value)
    itemid = np.array([item.itemid for item in LABS])[rows.item]
    words = pick(["NEG", "TR"], (rng.random(count) < 0.2).astype(int))
    text = (
        pl.when(pl.col("n").is_not_null())
        .then("n")
        .when(pl.col("i") == 51478)
        .then("w")
        .otherwise(pl.lit("HEMOLYZED"))
    )
    return pl.DataFrame(
        {
            "ROW_ID": people.number * _MOST_ROWS + 1 + np.arange(count),
            "SUBJECT_ID": people.subject[people.patient[admission]],
            "HADM_ID": nullable(people.hadm[admission], without[rows.place]),
            "ITEMID": itemid,
            "CHARTTIME": times(rows.time),
            "VALUE": pl.DataFrame({"n": number_, "i": itemid, "w": words}).select(text).to_series(),
            "VALUENUM": number_,
            "VALUEUOM": pick([item.unit for item in LABS], rows.item),
            "FLAG": pick([None, "abnormal"], (rng.random(count) < 0.3).astype(int)),
        }
    )


def _as_charted(item: np.ndarray, value: np.ndarray) -> np.ndarray:
    factor = np.array([entry.factor for entry in _ITEMS])[item]
    shift = np.array([entry.shift for entry in _ITEMS])[item]
    decimals = np.array(
        [BY_NAME[entry.quantity].decimals if entry.quantity in BY_NAME else 0 for entry in _ITEMS]
    )
    fraction = np.array([0 < entry.factor < 0.1 for entry in _ITEMS])
    scale = 10.0 ** np.where(fraction, 2, decimals)[item]
    charted: np.ndarray = np.round((factor * value + shift) * scale) / scale
    return charted


def _spoil(mess: Mess, people: People, rows: Rows) -> Rows:
    quantity = np.array([item.quantity for item in _ITEMS])[rows.item]
    mess.change(
        "outliers", rows, quantity == "Heart rate", 0.001, lambda v: np.full(len(v), 9999.0)
    )
    mess.change("outliers", rows, quantity == "Systolic BP", 0.001, lambda v: v * 10)
    saturation = quantity == "Oxygen saturation"
    mess.change("fraction for percent", rows, saturation, 0.005, lambda v: np.round(v / 100, 2))
    fraction = quantity == "Inspired O2 fraction"
    mess.change("fraction for percent", rows, fraction & (rows.value > 1), 0.1, lambda v: v / 100)
    number = ~rows.safe & ~np.isnan(rows.value)
    later = mess.some("rows after the end of the stay", number, 0.001)
    stay = rows.place[later]
    rows.time[later] = people.outtime[stay] + mess.rng.integers(60, 2 * HOUR, len(later))
    rows.value[mess.some("rows without a number", number, 0.003)] = np.nan
    return mess.repeat(rows)


def _empty(people: People, carevue: np.ndarray) -> Rows:
    place = np.repeat(np.flatnonzero(~people.latents.rows), 3)
    heart = [k for k, item in enumerate(_ITEMS) if item.quantity == "Heart rate"]
    item = np.where(carevue[place], heart[0], heart[1])
    count = len(place)
    return Rows(
        place, people.intime[place] + 300, item, np.full(count, np.nan), np.ones(count, dtype=bool)
    )


def _nuisance(rng: np.random.Generator, people: People, count: int) -> Rows:
    weight = people.latents.days * people.latents.rows
    place = np.repeat(np.arange(len(weight)), rng.multinomial(count, weight / weight.sum()))
    length = people.outtime[place] - people.intime[place]
    time = people.intime[place] + (rng.random(len(place)) * length).astype(np.int64)
    item = len(CAREVUE) + len(METAVISION) + rng.integers(0, len(NUISANCE), len(place))
    value = np.where(item == len(_ITEMS) - 1, np.nan, 88.0)
    return Rows(place, time, item, value, np.ones(len(place), dtype=bool))


def _chart_frame(
    rng: np.random.Generator, mess: Mess, people: People, carevue: np.ndarray, rows: Rows
) -> pl.DataFrame:
    count = len(rows.place)
    if count >= _MOST_ROWS:
        raise RuntimeError(f"a block has {count} chart rows")
    old = carevue[rows.place]
    admission = people.admission[rows.place]
    number = number_text(rows.value)
    value, number = _texts(mess, rows, old, number)
    lost = np.zeros(count, dtype=bool)
    lost[mess.some("rows without a stay id", ~rows.safe, _NULL_STAY_SHARE)] = True
    # CareVue knows neither warnings nor errors, MetaVision no states.
    stopped = pick(
        ["NotStopd", "D/C'd", None], np.where(old, (rng.random(count) < 0.01).astype(int), 2)
    )
    return pl.DataFrame(
        {
            "ROW_ID": people.number * _MOST_ROWS + 1 + np.arange(count),
            "SUBJECT_ID": people.subject[people.patient[admission]],
            "HADM_ID": people.hadm[admission],
            "ICUSTAY_ID": nullable(people.stay[rows.place], lost),
            "ITEMID": np.array([item.itemid for item in _ITEMS])[rows.item],
            "CHARTTIME": times(rows.time),
            "STORETIME": times(rows.time + rng.integers(1, 40, count) * 60),
            "CGID": rng.integers(14_000, 21_000, count),
            "VALUE": value,
            "VALUENUM": number,
            "VALUEUOM": pick([item.unit or None for item in _ITEMS], rows.item),
            "WARNING": nullable(np.zeros(count, dtype=int), old),
            "ERROR": nullable(np.zeros(count, dtype=int), old),
            "RESULTSTATUS": pl.Series([None] * count, dtype=pl.String),
            "STOPPED": stopped,
        }
    )


def _texts(
    mess: Mess, rows: Rows, old: np.ndarray, number: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """Return VALUE and VALUENUM: words for scores and refill, some pressures as pairs."""
    words: list[str | None] = []
    position = np.full(len(rows.item), -1)
    quantity = np.array([item.quantity for item in _ITEMS])[rows.item]
    known = ~np.isnan(rows.value)
    for name, systems in WORDS.items():
        lowest = 0 if name == "Capillary refill" else 1
        for texts, of_system in zip(systems, (old, ~old), strict=True):
            chosen = np.flatnonzero((quantity == name) & known & of_system)
            which = np.clip(rows.value[chosen] - lowest, 0, len(texts) - 1).astype(int)
            position[chosen] = len(words) + which
            words += texts
    worded = pick([*words, None], np.where(position < 0, len(words), position))
    cuff = (
        known
        & old
        & np.isin(rows.item, [k for k, i in enumerate(_ITEMS) if i.itemid in (455, 8441)])
    )
    pair = np.zeros(len(cuff), dtype=bool)
    pair[mess.some("pressures as a pair", cuff, _PAIR_SHARE)] = True
    # Refill has words only, and a pair of pressures is no number.
    silent = pair | (quantity == "Capillary refill")
    frame = pl.DataFrame(
        {
            "w": worded,
            "n": number,
            "pair": pair,
            "silent": silent,
            "first": np.where(quantity == "Systolic BP", 0, 40),
            "v": np.nan_to_num(rows.value).astype(int),
        }
    )
    systolic, diastolic = pl.col("v") + pl.col("first"), pl.col("v") - 40 + pl.col("first")
    as_pair = pl.concat_str(systolic, pl.lit("/"), diastolic)
    frame = frame.select(
        value=pl.when("pair").then(as_pair).otherwise(pl.coalesce("w", "n")),
        number=pl.when(~pl.col("silent")).then("n"),
    )
    return frame["value"], frame["number"]
