"""Filling in absent tables, against a search through all training stays."""

import numpy as np
import pytest

from fleximodal.dataset import imputation
from fleximodal.dataset.imputation import with_imputed_tables
from fleximodal.dataset.packed import PackedDataset, Series, Table
from fleximodal.dataset.scaler import Scaler, fit_scaler
from fleximodal.dataset.table_scaling import scale_rows
from tests.unit.dataset.tables import study, table

RANDOM = np.random.default_rng(11)
STAYS = 60
TRAIN = np.sort(RANDOM.permutation(STAYS)[:40])


def generated() -> PackedDataset:
    """Return three tables, each absent at random; a stay in ten has nothing at all."""
    dosages = RANDOM.integers(-1, 3, size=(STAYS, 7)).astype(np.int8)
    one = RANDOM.normal(2, 5, size=(STAYS, 4)).astype(np.float32)
    one[RANDOM.random(one.shape) < 0.2] = np.nan
    two = RANDOM.normal(size=(STAYS, 3)).astype(np.float32)
    there = RANDOM.random((3, STAYS)) < 0.6
    there[:, ::10] = False
    tables = [
        table("genomic", dosages, there[0], categorical=[True] * 7),
        table("clinical", one, there[1]),
        table("image", two, there[2], scaling="standard"),
    ]
    return study(tables, RANDOM.integers(0, 3, STAYS))


def scaled(dataset: PackedDataset, scaler: Scaler) -> dict[str, list[np.ndarray | None]]:
    """Return the vector of each stay, None if it has none."""
    found: dict[str, list[np.ndarray | None]] = {}
    for name, one in dataset.modalities.items():
        assert isinstance(one, Table)
        rows = scale_rows(one, np.arange(len(one.hours)), scaler.of_table(name)).astype(float)
        found[name] = [
            rows[start] if end > start else None
            for start, end in zip(one.row_offsets[:-1], one.row_offsets[1:], strict=True)
        ]
    return found


def nearest(
    vectors: dict[str, list[np.ndarray | None]], stay: int, name: str, train: np.ndarray
) -> int | None:
    """Return the training stay to take `name` from, by looking at each."""
    best: tuple[float, int] | None = None
    for other in sorted(train):
        if vectors[name][other] is None:
            continue
        differences = [
            (mine[stay] - mine[other]) ** 2
            for mine in vectors.values()
            if mine[stay] is not None and mine[other] is not None
        ]
        if differences:
            distance = round(float(np.concatenate(differences).mean()), 9)
            if best is None or distance < best[0]:
                best = (distance, int(other))
    return None if best is None else best[1]


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_nearest_is_that_of_a_search_through_all(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(imputation, "_STAYS_AT_ONCE", at_once)
    dataset = generated()
    scaler = fit_scaler(dataset, TRAIN)
    before = scaled(dataset, scaler)
    after = scaled(with_imputed_tables(dataset, scaler, TRAIN, "nearest"), scaler)
    taken, filled = 0, 0
    for name, vectors in before.items():
        for stay, own in enumerate(vectors):
            donor = nearest(before, stay, name, TRAIN)
            wanted = own
            if own is None:
                wanted = scaler.fill[name] if donor is None else vectors[donor]
                taken, filled = taken + (donor is not None), filled + (donor is None)
            assert after[name][stay] is not None
            np.testing.assert_allclose(after[name][stay], wanted, atol=1e-6)
    assert taken > 20 and filled >= 3 * 6


def test_equally_near_stays_give_that_of_the_smallest_id() -> None:
    label = np.zeros(4)
    same = np.ones((4, 2), dtype=np.float32)
    told = np.array([[0.0], [5.0], [3.0], [9.0]], dtype=np.float32)
    dataset = study([table("a", same, [True] * 4), table("b", told, [False, *[True] * 3])], label)
    scaler = fit_scaler(dataset, np.array([1, 2, 3]))
    made = with_imputed_tables(dataset, scaler, np.array([3, 2, 1]), "nearest")
    assert made.modalities["b"].features_array[0, 0] == 5  # type: ignore[union-attr]


def test_only_training_stays_give() -> None:
    label = np.zeros(3)
    place = np.array([[0.0], [0.1], [9.0]], dtype=np.float32)
    dataset = study([table("a", place, [True] * 3), table("b", place, [False, True, True])], label)
    scaler = fit_scaler(dataset, np.array([2]))
    made = with_imputed_tables(dataset, scaler, np.array([2]), "nearest")
    assert made.modalities["b"].features_array[0, 0] == 9  # type: ignore[union-attr]


def test_mean_gives_the_fill_and_none_changes_nothing() -> None:
    dataset = generated()
    scaler = fit_scaler(dataset, TRAIN)
    assert with_imputed_tables(dataset, scaler, TRAIN, "none") is dataset
    after = scaled(with_imputed_tables(dataset, scaler, TRAIN, "mean"), scaler)
    for name, vectors in scaled(dataset, scaler).items():
        for own, found in zip(vectors, after[name], strict=True):
            np.testing.assert_allclose(found, scaler.fill[name] if own is None else own, atol=1e-6)


def test_a_table_that_nobody_has_is_filled_and_a_series_is_left() -> None:
    empty = table("b", np.zeros((3, 2), dtype=np.float32), [False] * 3)
    full = table("a", np.ones((3, 1), dtype=np.float32), [True] * 3)
    none = np.zeros(0, dtype=np.float32)
    series = Series("s", ("x",), np.zeros(4, int), none, np.zeros(1, int), none.astype(int), none)
    dataset = study([full, empty], np.zeros(3))
    dataset.modalities["s"] = series
    scaler = fit_scaler(dataset, np.arange(3))
    for how in ("mean", "nearest"):
        made = with_imputed_tables(dataset, scaler, np.arange(3), how)  # type: ignore[arg-type]
        assert list(made.modalities) == ["a", "b", "s"]
        assert made.modalities["s"] is series
        filled = made.modalities["b"]
        assert isinstance(filled, Table)
        assert np.isnan(filled.features_array).all() and filled.fault(3) is None
