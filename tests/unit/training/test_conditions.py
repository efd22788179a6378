"""Data missing at test time: who loses what, and that nothing else changes."""

import numpy as np
import pytest
import torch

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.training.conditions import Condition, conditions_of, one_out, under, without
from tests.unit.training.toy import cohort, member

MODALITIES = "vitals+labs+static"


@pytest.fixture(scope="module")
def dataset() -> PackedDataset:
    return cohort(60)


def content(modality: Series | Items, stay: int) -> list[tuple[object, ...]]:
    """Return all that a stay has of a modality, read row by row."""
    rows = range(modality.row_offsets[stay], modality.row_offsets[stay + 1])
    if isinstance(modality, Items):
        return [(modality.hours[row], *modality.features_array[row]) for row in rows]
    found = []
    for row in rows:
        inside = slice(modality.observation_offsets[row], modality.observation_offsets[row + 1])
        found.append((modality.hours[row], *modality.channel[inside], *modality.value[inside]))
    return found


def test_others_keep_what_they_have(dataset: PackedDataset) -> None:
    lost = np.random.default_rng(1).random(dataset.num_stays) < 0.4
    changed = without(dataset, {"labs": lost, "static": ~lost})
    assert list(changed.modalities) == list(dataset.modalities)
    assert changed.modalities["vitals"] is dataset.modalities["vitals"]
    for name, gone in (("labs", lost), ("static", ~lost)):
        before, after = dataset.modalities[name], changed.modalities[name]
        assert after.fault(dataset.num_stays) is None
        for stay in range(dataset.num_stays):
            expected = [] if gone[stay] else content(before, stay)
            np.testing.assert_equal(content(after, stay), expected)


def test_input_is_not_modified(dataset: PackedDataset) -> None:
    before = {name: m.arrays()["hours"].copy() for name, m in dataset.modalities.items()}
    without(dataset, {name: np.ones(dataset.num_stays, bool) for name in dataset.modalities})
    for name, hours in before.items():
        np.testing.assert_array_equal(dataset.modalities[name].hours, hours)


def test_batches_can_be_made_of_nothing(dataset: PackedDataset) -> None:
    nothing = without(
        dataset, {name: np.ones(dataset.num_stays, bool) for name in dataset.modalities}
    )
    batch = BatchBuilder(nothing, member(dataset).scaler).batch(torch.arange(5))
    for modality in batch.modalities.values():
        assert not modality.present.any()
        assert not modality.values.any()
        assert not modality.mask.any()


def test_conditions_are_every_subset_and_every_rate() -> None:
    conditions = conditions_of("vitals+notes+cxr+ecg")
    kinds = [condition.kind for condition in conditions]
    assert (kinds.count("intact"), kinds.count("subset"), kinds.count("drop")) == (1, 14, 9)
    assert len({condition.name for condition in conditions}) == len(conditions)
    names = [condition.name for condition in one_out("vitals+notes+cxr+ecg")]
    assert names == [
        *("intact", "only:vitals+notes+cxr", "only:vitals+notes+ecg"),
        *("only:vitals+cxr+ecg", "only:notes+cxr+ecg"),
    ]


def test_subset_keeps_its_modalities_alone(dataset: PackedDataset) -> None:
    changed = under(dataset, Condition("subset", "labs", 0))
    assert changed.modalities["labs"] is dataset.modalities["labs"]
    for name in ("vitals", "static"):
        assert not np.diff(changed.modalities[name].row_offsets).any()


def test_intact_is_the_same_object(dataset: PackedDataset) -> None:
    assert under(dataset, Condition("intact", MODALITIES, 0)) is dataset


def kept(dataset: PackedDataset, percent: int) -> dict[str, np.ndarray]:
    """Return which stays still have something of each modality."""
    changed = under(dataset, Condition("drop", MODALITIES, percent))
    return {name: np.diff(m.row_offsets) > 0 for name, m in changed.modalities.items()}


def test_drops_have_their_rate_are_independent_and_nested() -> None:
    dataset = cohort(4000)
    there = {name: np.diff(m.row_offsets) > 0 for name, m in dataset.modalities.items()}
    before = there
    for percent in (10, 50, 90):
        after = kept(dataset, percent)
        for name, had in there.items():
            assert not (after[name] & ~before[name]).any()
            # Four deviations of a share among some 3,500 stays.
            assert np.isclose(1 - after[name][had].mean(), percent / 100, atol=0.035)
        before = after
    both = there["vitals"] & there["labs"]
    half = kept(dataset, 50)
    assert np.isclose((half["vitals"] & half["labs"])[both].mean(), 0.25, atol=0.035)


def test_drop_belongs_to_the_stay_not_to_its_place(dataset: PackedDataset) -> None:
    order = np.random.default_rng(3).permutation(dataset.num_stays)
    static = dataset.modalities["static"]
    assert isinstance(static, Items)
    shuffled = PackedDataset(
        **{
            **vars(dataset),
            "stay_id": dataset.stay_id[order],
            "modalities": {
                "static": Items(
                    "static",
                    static.features,
                    static.row_offsets,
                    static.hours,
                    static.features_array[order],
                )
            },
        }
    )
    straight = kept(dataset, 50)["static"]
    changed = under(shuffled, Condition("drop", "static", 50)).modalities["static"]
    np.testing.assert_array_equal(np.diff(changed.row_offsets) > 0, straight[order])
