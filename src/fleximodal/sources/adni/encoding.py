"""Columns of text to features: numbers as they are, categories and dates in several columns.

What a column is follows the rule of the released code, which went by the types that a reader of
CSV gave: a column of nothing but numbers is numeric if more than two of them are distinct. A
column with any other text is numeric only if it has no gap and no cell with a letter, blank,
hyphen or colon, so that "<80" is a number; a date, if its name says so; and else a category. A
cell with "/" or "|" makes a category too (H-22).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.collapse import Merged
from fleximodal.sources.adni.tables import numbers, times

BINS = 5

_TEXTUAL = r"[A-Za-z\s:-]"


@dataclass(frozen=True)
class Features:
    """Vectors of subjects: `stay_id` (R,) int64 ascending, `values` (R, D) float32, NaN unknown.

    `left_out` says why columns gave no feature: the names by reason.
    """

    stay_id: np.ndarray
    names: list[str]
    categorical: list[bool]
    values: np.ndarray
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def fill(self, target: np.ndarray) -> None:
        """Write the values into `target` (R, D) float32."""
        target[:] = self.values

    def beside(self, other: "Features") -> "Features":
        """Return these features, then the other ones, NaN for subjects that `other` lacks."""
        wider = np.full((len(self.stay_id), len(other.names)), np.nan, np.float32)
        _, here, there = np.intersect1d(self.stay_id, other.stay_id, return_indices=True)
        wider[here] = other.values[there]
        return Features(
            self.stay_id,
            self.names + other.names,
            self.categorical + other.categorical,
            np.hstack([self.values, wider]),
            self.left_out,
        )


def encode(merged: Merged, max_categories: int, where: str) -> Features:
    """Encode all columns: numeric ones first, then categories, then dates, each in their order.

    Parameters
    ----------
    merged
        One row per subject.
    max_categories
        A category with this many distinct values or more is left out.
    where
        What an error calls the table.

    Returns
    -------
    Features
        A category becomes one column per value, `<COLUMN>_<value>`, +1 or -1; a date five bins of
        equal width over all subjects, `<COLUMN>_BIN0` to 4, 1 or 0; NaN where the cell is missing.
    """
    numeric, categories, dates = [], [], []
    left_out: dict[str, list[str]] = {"no value": [], "too many categories": []}
    for name in merged.rows.columns:
        if name == "stay_id":
            continue
        text = merged.rows[name]
        kind = _kind(text, name in merged.numeric)
        distinct = text.drop_nulls().n_unique()
        if not distinct:
            left_out["no value"].append(name)
        elif kind == "numeric":
            numeric.append(([name], _array(numbers(_unmarked(text)))[:, None]))
        elif kind == "date":
            dates.append(_date(text, where))
        elif distinct >= max_categories:
            left_out["too many categories"].append(name)
        else:
            categories.append(_one_hot(text, name in merged.numeric))
    encoded = numeric + categories + dates
    if not encoded:
        raise FleximodalError(f"The {where} hold no column with a value; fetch them again.")
    names = [name for part, _ in encoded for name in part]
    return Features(
        merged.rows["stay_id"].to_numpy(),
        names,
        [False] * len(numeric) + [True] * (len(names) - len(numeric)),
        np.hstack([values for _, values in encoded]).astype(np.float32),
        left_out,
    )


def _kind(text: pl.Series, numbers_alone: bool) -> str:
    if numbers_alone:
        return "numeric" if numbers(text).drop_nulls().n_unique() > 2 else "category"
    plain = not text.null_count() and not text.str.contains(_TEXTUAL).any()
    if plain and not numbers(_unmarked(text)).null_count():
        return "numeric"
    return "date" if "DATE" in text.name else "category"


def _unmarked(text: pl.Series) -> pl.Series:
    """Return the text without the signs of an assay's limits."""
    return text.str.replace_all(r"[<>]", "")


def _one_hot(text: pl.Series, numbers_alone: bool) -> tuple[list[str], np.ndarray]:
    known: Sequence[str]
    if numbers_alone:
        # 1, 1.0 and 01 are one value.
        text = pl.Series(text.name, [_shortest(value) for value in numbers(text)], pl.String)
        known = sorted(text.drop_nulls().unique(), key=float)
    else:
        known = sorted(text.drop_nulls().unique())
    code = text.replace_strict(known, range(len(known)), default=None, return_dtype=pl.Int64)
    return [f"{text.name}_{value}" for value in known], _indicators(code, len(known), -1.0)


def _shortest(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}" if value == int(value) else repr(value)


def _date(text: pl.Series, where: str) -> tuple[list[str], np.ndarray]:
    seconds = times(text).dt.epoch("s").cast(pl.Float64)
    if seconds.null_count() > text.null_count():
        raise FleximodalError(
            f"The {where} have a value in column {text.name} that is no date such as 2010-01-31; "
            "mend it or set sources.adni.administrative to drop."
        )
    low, high = (float(bound) for bound in np.nanquantile(_array(seconds), [0, 1]))
    width = (high - low) / BINS or 1.0
    code = ((seconds - low) / width).floor().clip(0, BINS - 1).cast(pl.Int64)
    return [f"{text.name}_BIN{place}" for place in range(BINS)], _indicators(code, BINS, 0.0)


def _array(values: pl.Series) -> np.ndarray:
    return values.fill_null(np.nan).to_numpy()


def _indicators(code: pl.Series, size: int, no: float) -> np.ndarray:
    """Return (R, size): 1 in the code's column, `no` in the others, NaN where it is null."""
    place = code.fill_null(-1).to_numpy()[:, None]
    values = np.where(place == np.arange(size), 1.0, no)
    return np.where(place < 0, np.nan, values)
