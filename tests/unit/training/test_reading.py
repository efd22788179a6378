"""What settings make of tables: fitted on training stays or on all, filled, absent ones too."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler

from fleximodal.config.training import Training
from fleximodal.dataset.packed import PackedDataset
from fleximodal.dataset.scaler import fit_scaler
from fleximodal.methods.settings import NetworkSettings
from fleximodal.training.conditions import Condition, under
from fleximodal.training.controls import with_controls
from fleximodal.training.member import Member
from fleximodal.training.network import batch_builder
from fleximodal.training.reading import presence, read_by
from tests.unit.dataset.tables import study, table
from tests.unit.training.toy import cohort

RANDOM = np.random.default_rng(4)
STAYS, TRAIN = 30, np.arange(0, 30, 2)
VALUES = RANDOM.normal(5, 3, size=(STAYS, 3)).astype(np.float32)
VALUES[RANDOM.random(VALUES.shape) < 0.2] = np.nan
THERE = np.arange(STAYS) % 5 != 0
DOSAGES = RANDOM.integers(-1, 3, size=(STAYS, 4)).astype(np.int8)


def dataset() -> PackedDataset:
    tables = [
        table("genomic", DOSAGES, [True] * STAYS, categorical=[True] * 4),
        table("clinical", VALUES, THERE),
    ]
    made = study(tables, RANDOM.integers(0, 3, STAYS))
    # A series beside the tables keeps the stored scaler.
    made.modalities["vitals"] = cohort(STAYS).modalities["vitals"]
    return made


def run() -> Member:
    made = dataset()
    parts = {"train": TRAIN, "val": np.arange(1, 15, 2), "test": np.arange(15, 30, 2)}
    return Member(made, "s", 0, parts, fit_scaler(made, TRAIN))


def values(settings: NetworkSettings, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a network is given of all stays, and which of them have the modality."""
    builder = batch_builder(run(), settings, Training(), torch.device("cpu"))
    part = builder.batch(torch.arange(STAYS)).modalities[name]
    return part.values.squeeze(1).numpy(), part.present.numpy()


@pytest.mark.parametrize("fit", ["train", "all"])
def test_tables_are_fitted_on_the_stays_asked_for(fit: str) -> None:
    found, present = values(NetworkSettings(table_fit=fit), "clinical")
    assert present.tolist() == THERE.tolist()
    rows = THERE if fit == "all" else THERE & np.isin(np.arange(STAYS), TRAIN)
    scaler = MinMaxScaler((-1, 1)).fit(VALUES[rows].astype(float))
    wanted = scaler.transform(VALUES.astype(float))
    mean = np.nanmean(scaler.transform(VALUES[rows].astype(float)), axis=0)
    wanted = np.where(np.isnan(wanted), mean, wanted)
    np.testing.assert_allclose(found[THERE], wanted[THERE], atol=1e-5)
    assert (found[~THERE] == 0).all()


def test_only_tables_are_fitted_anew_and_default_is_the_stored_scaler() -> None:
    member = run()
    assert read_by(member, NetworkSettings())[1] is member.scaler
    settings = NetworkSettings(table_fit="all")
    made, scaler = read_by(member, settings)
    assert made is member.dataset
    assert scaler.mean["vitals"] is member.scaler.mean["vitals"]
    assert not np.array_equal(scaler.mean["clinical"], member.scaler.mean["clinical"])
    assert (scaler.stays_sha256, scaler.n_stays) == (member.scaler.stays_sha256, 15)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"table_fill": "none"}, [0.0, 0.0, 0.0]),
        ({"table_fill": "first_column"}, "first"),
        ({"table_fill": "median"}, "median"),
    ],
)
def test_unknown_cells_are_filled_as_asked_for(settings: dict[str, Any], wanted: Any) -> None:
    found, _ = values(NetworkSettings(**settings), "clinical")
    rows = THERE & np.isin(np.arange(STAYS), TRAIN)
    scaled = MinMaxScaler((-1, 1)).fit(VALUES[rows].astype(float)).transform(VALUES[rows])
    if wanted == "first":
        wanted = [np.nanmean(scaled[:, 0])] * 3
    elif wanted == "median":
        wanted = np.nanmedian(scaled, axis=0)
    unknown = np.isnan(VALUES) & THERE[:, None]
    assert unknown.any()
    np.testing.assert_allclose(
        found[unknown], np.broadcast_to(wanted, found.shape)[unknown], atol=1e-5
    )


def test_categories_can_be_left_unfilled() -> None:
    found, _ = values(NetworkSettings(table_categorical_fill="none"), "genomic")
    assert (found[DOSAGES == -1] == 0).all()
    filled, _ = values(NetworkSettings(), "genomic")
    assert set(filled[DOSAGES == -1].tolist()) <= {-1.0, 0.0, 1.0}
    assert (filled[DOSAGES == -1] != 0).any()


def test_imputed_tables_are_there() -> None:
    found, present = values(NetworkSettings(table_imputation="nearest"), "clinical")
    assert present.all()
    own, _ = values(NetworkSettings(), "clinical")
    np.testing.assert_array_equal(found[THERE], own[THERE])
    donors = own[TRAIN[THERE[TRAIN]]]
    for row in found[~THERE]:
        assert (donors == row).all(axis=1).any()
    member = run()
    for imputation, wanted in (("none", THERE), ("mean", np.ones(STAYS, dtype=bool))):
        there = presence(member.dataset, NetworkSettings(table_imputation=imputation))
        assert there.shape == (3, STAYS)
        np.testing.assert_array_equal(there[1], wanted)
        vitals = np.diff(member.dataset.modalities["vitals"].row_offsets) > 0
        np.testing.assert_array_equal(there[2], vitals)


def test_modalities_can_be_taken_away_from_tables() -> None:
    made = under(dataset(), Condition("subset", "clinical+vitals", 0))
    assert [one.fault(STAYS) for one in made.modalities.values()] == [None] * 3
    assert np.diff(made.modalities["genomic"].row_offsets).sum() == 0
    dropped = under(dataset(), Condition("drop", "", 50)).modalities["genomic"]
    kept = np.diff(dropped.row_offsets) > 0
    assert 0 < kept.sum() < STAYS
    np.testing.assert_array_equal(dropped.features_array, DOSAGES[kept])  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["genomic", "clinical"])
def test_noise_keeps_type_gaps_and_moments(name: str) -> None:
    number = 4000
    raw = RANDOM.normal(7, 2, size=(number, 2)).astype(np.float32)
    raw[::3, 0] = np.nan
    dosages = RANDOM.binomial(2, 0.5, size=(number, 2)).astype(np.int8)
    dosages[::3, 0] = -1
    before = {"genomic": dosages, "clinical": raw}[name]
    made = study([table(name, before, [True] * number)], np.zeros(number))
    after = with_controls(made, [f"noise-{name}"]).modalities[name].features_array  # type: ignore[union-attr]
    assert after.dtype == before.dtype
    known = before != -1 if name == "genomic" else ~np.isnan(before)
    np.testing.assert_array_equal(after != -1 if name == "genomic" else ~np.isnan(after), known)
    for column in range(2):
        old, new = (one[known[:, column], column].astype(float) for one in (before, after))
        assert abs(np.corrcoef(old, new)[0, 1]) < 0.06
        assert new.mean() == pytest.approx(old.mean(), abs=0.15)
        assert new.std() == pytest.approx(old.std(), rel=0.2)
