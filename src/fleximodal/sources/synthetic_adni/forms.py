"""Rows of a form: identifiers, administrative columns, gaps, and the shuffled file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from fleximodal.sources.synthetic_adni.people import People
from fleximodal.sources.synthetic_adni.visits import EXPORT, PHASES, Visits

Column = pl.Series | pl.Expr
NOT_APPLICABLE, CONFIRMED_MISSING = -4, -1

_VERSIONS = ("1.0", "2.0", "2.1")
# Whole tables were stamped at once on a few days, so one person's rows often share a stamp.
_BULK = np.array(["2019-03-11 08:27:41", "2021-10-05 17:02:00", "2023-01-24 11:45:13"], "M8[s]")
_BULK_SHARE = 0.5


def days(values: np.ndarray) -> pl.Series:
    """Return days since 1970 as dates; negative ones as null."""
    dates = pl.Series(values.astype(np.int32)).cast(pl.Date)
    return dates.set(pl.Series(values < 0), None)


def words(choices: Sequence[str | None], positions: np.ndarray) -> pl.Series:
    """Return the words at the positions."""
    return pl.Series(list(choices), dtype=pl.String).gather(positions)


def codes(rng: np.random.Generator, values: Sequence[int], rows: int) -> pl.Series:
    """Return random codes, the first of them as often as all others together."""
    weight = np.ones(len(values))
    weight[0] = max(1, len(values) - 1)
    return pl.Series(rng.choice(np.array(values), rows, p=weight / weight.sum()))


def blank(column: pl.Series, gone: np.ndarray) -> pl.Series:
    """Return the column with null where `gone`."""
    return column.set(pl.Series(gone), None)


def gaps(
    rng: np.random.Generator, values: np.ndarray, *, empty: float = 0.05, coded: float = 0.03
) -> tuple[pl.Series, np.ndarray]:
    """Return the numbers with some cells empty and some coded as missing, and which remain.

    Parameters
    ----------
    rng
        Source of chance; what is missing does not depend on the values.
    values
        (m,) whole or decimal numbers.
    empty, coded
        Share of cells left empty; share replaced by -4 or, a third of them, -1.
    """
    draw = rng.random(len(values))
    hidden = draw < coded
    code = np.where(draw < coded / 3, CONFIRMED_MISSING, NOT_APPLICABLE)
    gone = (draw >= coded) & (draw < coded + empty)
    return blank(pl.Series(np.where(hidden, code, values)), gone), ~(hidden | gone)


def identifiers(people: People, visits: Visits) -> dict[str, pl.Series]:
    """Return phase, ids, visit codes and date of each visit."""
    return {
        "PHASE": words(PHASES, visits.phase),
        "PTID": words(list(people.ptid), visits.person),
        "RID": pl.Series(people.rid[visits.person]),
        "VISCODE": pl.Series(visits.viscode, dtype=pl.String),
        "VISCODE2": pl.Series(visits.viscode2, dtype=pl.String),
        "VISDATE": days(visits.day),
    }


def administration(
    rng: np.random.Generator, people: People, visits: Visits
) -> dict[str, pl.Series]:
    """Return the administrative columns of each row, the long block."""
    rows = len(visits.day)
    entered = np.minimum(visits.day + rng.integers(0, 40, rows), EXPORT.astype(int))
    changed = np.where(rng.random(rows) < 0.2, entered + rng.integers(1, 300, rows), -1)
    return {
        "ID": pl.Series(rng.permutation(np.arange(1, 3 * rows + 1))[:rows]),
        "SITEID": pl.Series(people.site[visits.person]),
        "USERDATE": days(entered),
        "USERDATE2": days(changed),
        "DD_CRF_VERSION_LABEL": words(_VERSIONS, rng.integers(0, len(_VERSIONS), rows)),
        "LANGUAGE_CODE": pl.Series(["e"] * rows),
        "HAS_QC_ERROR": pl.Series((rng.random(rows) < 0.01).astype(int)),
        "update_stamp": stamps(rng, visits.person, entered),
    }


def stamps(rng: np.random.Generator, person: np.ndarray, day: np.ndarray) -> pl.Series:
    """Return time stamps as text: of half the persons one bulk stamp, so that rows tie.

    One in ten of the others carries a fraction of a second.
    """
    persons = int(person.max(initial=0)) + 1
    in_bulk = (rng.random(persons) < _BULK_SHARE)[person]
    bulk = _BULK.astype(np.int64)[rng.integers(0, len(_BULK), persons)][person]
    own = day * 86_400 + rng.integers(8 * 3600, 19 * 3600, len(day))
    seconds = pl.Series(np.where(in_bulk, bulk, own)).cast(pl.Int64)
    text = pl.from_epoch(seconds, time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    fraction = np.where(~in_bulk & (rng.random(len(day)) < 0.1), 1, 0)
    return text + words(["", ".0"], fraction)


def write_table(
    path: Path,
    columns: Sequence[str],
    filled: Mapping[str, pl.Series],
    rng: np.random.Generator,
    *,
    quote_style: Literal["necessary", "always"] = "necessary",
) -> int:
    """Write the columns in their order with shuffled rows, those not filled empty.

    Returns
    -------
    int
        Number of rows.
    """
    frame = pl.DataFrame(dict(filled))
    absent = [pl.lit(None, dtype=pl.String).alias(n) for n in columns if n not in filled]
    shuffled = frame.with_columns(absent).select(columns)[rng.permutation(frame.height)]
    path.parent.mkdir(parents=True, exist_ok=True)
    shuffled.write_csv(path, quote_style=quote_style)
    return frame.height
