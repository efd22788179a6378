"""Negative controls take away what they say, and nothing else."""

import numpy as np
import pytest

from fleximodal.dataset.packed import Items, Series
from fleximodal.errors import FleximodalError
from fleximodal.training.controls import with_controls
from tests.unit.training.toy import cohort


def test_shuffled_labels_are_the_same_labels_of_other_stays() -> None:
    dataset = cohort()
    found = with_controls(dataset, ["shuffled-labels"])
    assert sorted(found.label) == sorted(dataset.label)
    assert (found.label != dataset.label).any()
    assert found.modalities is dataset.modalities
    assert np.array_equal(found.label, with_controls(dataset, ["shuffled-labels"]).label)


def test_noise_replaces_the_values_of_one_modality_alone() -> None:
    dataset = cohort()
    for name, modality in dataset.modalities.items():
        found = with_controls(dataset, [f"noise-{name}"])
        assert np.array_equal(found.label, dataset.label)
        for other, unchanged in dataset.modalities.items():
            if other != name:
                assert found.modalities[other] is unchanged
        changed = found.modalities[name]
        assert np.array_equal(changed.row_offsets, modality.row_offsets)
        assert np.array_equal(changed.hours, modality.hours)
        if isinstance(modality, Items):
            before, after = modality.features_array, changed.features_array
        else:
            assert isinstance(changed, Series)
            assert np.array_equal(changed.channel, modality.channel)
            before, after = modality.value[:, None], changed.value[:, None]
        assert after.dtype == before.dtype
        assert np.array_equal(np.isnan(before), np.isnan(after))
        known = ~np.isnan(before[:, 0])
        assert abs(np.corrcoef(before[known, 0], after[known, 0])[0, 1]) < 0.3


def test_moments_of_each_channel_are_kept() -> None:
    dataset = cohort()
    series = next(m for m in dataset.modalities.values() if isinstance(m, Series))
    found = with_controls(dataset, [f"noise-{series.name}"]).modalities[series.name]
    for channel in range(len(series.channels)):
        of = series.channel == channel
        spread = series.value[of].std()
        assert found.value[of].mean() == pytest.approx(
            series.value[of].mean(), abs=5 * spread / np.sqrt(of.sum())
        )
        assert found.value[of].std() == pytest.approx(spread, rel=0.3)


@pytest.mark.parametrize("control", ["noise-xyz", "upside-down"])
def test_what_cannot_be_applied_is_refused(control: str) -> None:
    with pytest.raises(FleximodalError, match=f"'{control}'"):
        with_controls(cohort(), [control])
