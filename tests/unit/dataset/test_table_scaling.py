"""Scales and fills of tables against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from fleximodal.dataset import table_scaling
from fleximodal.dataset.table_scaling import Filling, fit_table, scale_rows
from tests.unit.dataset.tables import table

RANDOM = np.random.default_rng(5)
CATEGORICAL = np.array([False, False, False, True, True, False])


def some_values(rows: int = 30) -> np.ndarray:
    """Return numeric columns with gaps, two of categories, and a constant one."""
    values = RANDOM.normal(3, 20, size=(rows, 6))
    values[:, 3] = np.where(RANDOM.random(rows) < 0.3, 1, -1)
    values[:, 4] = np.where(RANDOM.random(rows) < 0.8, 1, 0)
    values[:, 5] = 4.25
    values[RANDOM.random(values.shape) < 0.2] = np.nan
    return values.astype(np.float32)


@pytest.mark.parametrize("at_once", [1, 45, 10**6])
@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_scale_and_fill_are_those_of_scikit_learn(
    monkeypatch: pytest.MonkeyPatch, scaling: str, at_once: int
) -> None:
    monkeypatch.setattr(table_scaling, "_CELLS_AT_ONCE", at_once)
    values = some_values()
    made = table("t", values, [True] * 30, scaling=scaling, categorical=CATEGORICAL)
    train, rest = np.arange(3, 25), np.array([0, 1, 2, 26, 29])
    scale = fit_table(made, train)
    reference = MinMaxScaler((-1, 1)) if scaling == "range" else StandardScaler()
    wanted = reference.fit(values[train].astype(np.float64)).transform(
        values[rest].astype(np.float64)
    )
    imputed = np.where(
        CATEGORICAL,
        SimpleImputer(strategy="most_frequent").fit(values[train]).statistics_,
        SimpleImputer(strategy="mean").fit(values[train].astype(np.float64)).statistics_,
    )
    fill = reference.transform(imputed[None])[0]
    if scaling == "range":  # categories stay as they were encoded
        wanted[:, CATEGORICAL] = values[rest][:, CATEGORICAL]
        fill[CATEGORICAL] = imputed[CATEGORICAL]
    found = scale_rows(made, rest, scale)
    assert np.isnan(wanted).any() and found.dtype == np.float32
    np.testing.assert_allclose(
        found, np.where(np.isnan(wanted), fill, wanted), rtol=1e-5, atol=1e-5
    )


def test_constant_column_of_range_becomes_minus_one() -> None:
    made = table("t", np.full((4, 1), 7, dtype=np.float32), [True] * 4)
    np.testing.assert_array_equal(scale_rows(made, np.arange(4), fit_table(made, np.arange(4))), -1)


def test_pooled_has_one_mean_and_deviation() -> None:
    values = some_values()
    scale = fit_table(table("t", values, [True] * 30, scaling="pooled"), np.arange(20))
    known = values[:20][~np.isnan(values[:20])].astype(np.float64)
    np.testing.assert_allclose(scale.mean, known.mean())
    np.testing.assert_allclose(scale.std, known.std())


@pytest.mark.parametrize("scaling", ["range", "standard", "pooled"])
def test_dosages_are_scaled_as_numbers_with_gaps(scaling: str) -> None:
    dosages = RANDOM.integers(-1, 3, size=(40, 9)).astype(np.int8)
    dosages[:, 4] = -1
    numbers = np.where(dosages < 0, np.nan, dosages).astype(np.float32)
    pair = [table("t", one, [True] * 40, scaling=scaling) for one in (dosages, numbers)]
    train = np.arange(0, 40, 2)
    small, large = (scale_rows(one, np.arange(40), fit_table(one, train)) for one in pair)
    assert not np.isnan(small).any()
    np.testing.assert_array_equal(small, large)
    np.testing.assert_array_equal(small[:, 4], 0)


@pytest.mark.parametrize(
    ("numeric", "wanted"),
    [
        ("column_mean", [0.2, 0.0, 0.2]),
        ("first_column", [0.2, 0.2, 0.2]),
        ("median", [0.0, 0.0, 1.0]),
        ("none", [0, 0, 0]),
    ],
)
def test_fills_of_numeric_cells(numeric: str, wanted: list[float]) -> None:
    # Means 6, 2, 6 and medians 5, 2, 10, on ranges 0..10, 0..4, 0..10.
    values = np.array(
        [[0, 0, 0], [5, 1, 10], [10, 4, 10], [10, np.nan, 10], [5, 3, 0]], dtype=np.float32
    )
    scale = fit_table(table("t", values, [True] * 5), np.arange(5), Filling(numeric))  # type: ignore[arg-type]
    np.testing.assert_allclose(scale.fill, wanted, atol=1e-12)


def test_fill_of_categories_can_be_none() -> None:
    values = np.array([[1.0, -1.0], [1.0, 1.0], [1.0, 1.0], [np.nan, np.nan]], dtype=np.float32)
    made = table("t", values, [True] * 4, categorical=[True, True])
    assert fit_table(made, np.arange(4)).fill.tolist() == [1.0, 1.0]
    assert fit_table(made, np.arange(4), Filling(categorical="none")).fill.tolist() == [0, 0]


def test_dosages_of_a_category_are_scaled_all_the_same() -> None:
    dosages = np.array([[0], [1], [2], [2]], dtype=np.int8)
    made = table("t", dosages, [True] * 4, categorical=[True])
    scaled = scale_rows(made, np.arange(4), fit_table(made, np.arange(4)))
    assert scaled[:, 0].tolist() == [-1.0, 0.0, 1.0, 1.0]


@given(
    arrays(np.int8, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=st.integers(-1, 2))
)
def test_mode_is_that_of_scikit_learn(dosages: np.ndarray) -> None:
    made = table("t", dosages, [True] * len(dosages), categorical=[True] * dosages.shape[1])
    scale = fit_table(made, np.arange(len(dosages)))
    raw = scale.fill * scale.std + scale.mean
    for number, column in enumerate(dosages.T):
        known = column[column >= 0].reshape(-1, 1)
        if len(known):
            mode = SimpleImputer(strategy="most_frequent").fit(known).statistics_[0]
            assert raw[number] == pytest.approx(mode)
        else:
            assert scale.fill[number] == 0
