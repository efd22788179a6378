"""Columns to features: which are numbers, categories or dates, and how each is written."""

import numpy as np
import polars as pl
import pytest

from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.collapse import Merged
from fleximodal.sources.adni.encoding import Features, encode
from fleximodal.sources.adni.tables import numbers


def _encode(max_categories: int = 1000, **columns: list[str | None]) -> Features:
    size = len(next(iter(columns.values())))
    rows = pl.DataFrame({"stay_id": range(size), **columns})
    numeric = {
        name
        for name in columns
        if rows[name].dtype == pl.Null
        or numbers(rows[name]).null_count() == rows[name].null_count()
    }
    rows = rows.cast({name: pl.String for name in columns})
    return encode(Merged(rows, frozenset(numeric)), max_categories, "tables")


@pytest.mark.parametrize(
    ("column", "names", "categorical"),
    [
        (["1", "2", "3.5"], ["X"], False),
        (["1", None, "2", "3"], ["X"], False),
        (["1", "2", None], ["X_1", "X_2"], True),
        (["1.0", "1", "02"], ["X_1", "X_2"], True),
        (["10", "9", None], ["X_9", "X_10"], True),
        (["0.5", "0.25", "0.5"], ["X_0.25", "X_0.5"], True),
        (["<80", "90", ">1700"], ["X"], False),
        # An empty cell is text to the released rule, so that the column is none of numbers.
        (["<80", "90", None], ["X_90", "X_<80"], True),
        (["3/4", "3/3", "4/4"], ["X_3/3", "X_3/4", "X_4/4"], True),
        (["1|5", "2", "5"], ["X_1|5", "X_2", "X_5"], True),
        (["1-2", "2", "3"], ["X_1-2", "X_2", "X_3"], True),
        (["yes", "no", "no"], ["X_no", "X_yes"], True),
        ([None, None, "a"], ["X_a"], True),
    ],
)
def test_the_kind_of_a_column_follows_from_its_cells(
    column: list[str | None], names: list[str], categorical: bool
) -> None:
    found = _encode(X=column)
    assert (found.names, found.categorical) == (names, [categorical] * len(names))


def test_numbers_stay_as_they_are_and_lose_the_signs_of_limits() -> None:
    found = _encode(X=["<80", "90.5", ">1700"], Y=["7", None, "9"], Z=["1", "2", "3"])
    assert found.values[:, 0].tolist() == [80, 90.5, 1700]
    assert found.values.dtype == np.float32
    assert np.isnan(found.values[1, found.names.index("Y_7")])


def test_categories_are_plus_or_minus_one_and_unknown_where_the_cell_is() -> None:
    found = _encode(X=["b", None, "a", "b"])
    np.testing.assert_array_equal(found.values, [[-1, 1], [np.nan, np.nan], [1, -1], [-1, 1]])


def test_too_many_categories_and_columns_without_value_are_left_out() -> None:
    many = [f"text {place}" for place in range(5)]
    found = _encode(5, X=many, Y=[None] * 5, Z=[*many[:4], "text 1"])
    assert {name.split("_")[0] for name in found.names} == {"Z"}
    assert found.left_out == {"no value": ["Y"], "too many categories": ["X"]}


def test_dates_fall_into_five_bins_of_equal_width() -> None:
    days = ["2010-01-01", "2010-01-02", "2010-01-03", None, "2010-01-05", "2010-01-11 00:00:00"]
    found = _encode(EXAMDATE=days, EXAMDAY=days)
    bins = [name for name in found.names if "BIN" in name]
    assert bins == [f"EXAMDATE_BIN{place}" for place in range(5)]
    values = found.values[:, [found.names.index(name) for name in bins]]
    known = [0, 1, 2, 4, 5]
    assert values[known].argmax(axis=1).tolist() == [0, 0, 1, 2, 4]
    assert (values[known].sum(axis=1) == 1).all() and set(values[known].ravel()) == {0, 1}
    assert np.isnan(values[3]).all()
    # A column of dates that its name does not call one is a category.
    assert found.categorical == [True] * len(found.names)
    assert "EXAMDAY_2010-01-05" in found.names


def test_a_single_date_is_in_one_bin() -> None:
    found = _encode(RUNDATE=["2010-01-01", "2010-01-01"])
    assert found.values.tolist() == [[1, 0, 0, 0, 0]] * 2


def test_numbers_come_first_then_categories_then_dates() -> None:
    found = _encode(
        BDATE=["2010-01-01", "2011-01-01", "2012-01-01"],
        A=["x", "y", "x"],
        C=["1", "2", "3"],
        D=["0", "1", "0"],
        B=["5", "6", "7"],
    )
    order = list(dict.fromkeys(name.split("_")[0] for name in found.names))
    assert order == ["C", "B", "A", "D", "BDATE"]
    assert found.categorical == [False, False, *[True] * 9]


@pytest.mark.parametrize("seed", range(3))
def test_one_hot_agrees_with_pandas(seed: int) -> None:
    import pandas as pd

    generator = np.random.default_rng(seed)
    column = [["a", "B", "c d", None][place] for place in generator.integers(0, 4, 50)]
    found = _encode(X=column)
    expected = pd.get_dummies(pd.Series(column, name="X"), prefix="X", dtype=float)
    expected = expected.replace(0.0, -1.0)
    expected[pd.isna(pd.Series(column))] = np.nan
    assert found.names == list(expected.columns)
    np.testing.assert_array_equal(found.values, expected.to_numpy())


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(FleximodalError, match="column USERDATE that is no date"):
        _encode(USERDATE=["2010-01-01", "soon"])


def test_tables_without_any_value_are_refused() -> None:
    with pytest.raises(FleximodalError, match="hold no column with a value"):
        _encode(X=[None, None])
