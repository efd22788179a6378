"""The feature table against a loop over stays and channels."""

from dataclasses import replace

import numpy as np
import pytest

from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.dataset.scaler import Scaler, fit_scaler
from fleximodal.training import haim_features as module
from fleximodal.training.haim_features import feature_names, haim_features
from tests.unit.training.test_statistics import brute_force
from tests.unit.training.toy import cohort


def by_loop(dataset: PackedDataset, scaler: Scaler, max_rows: int) -> np.ndarray:
    table = []
    for stay in range(dataset.num_stays):
        row: list[float] = []
        for name, modality in dataset.modalities.items():
            mean, std = scaler.mean[name], scaler.std[name]
            end = modality.row_offsets[stay + 1]
            start = max(modality.row_offsets[stay], end - max_rows)
            if isinstance(modality, Series):
                begin, stop = modality.observation_offsets[[start, end]]
                channel, value = modality.channel[begin:stop], modality.value[begin:stop]
                for c in range(len(modality.channels)):
                    row += brute_force((value[channel == c] - mean[c]) / std[c]).tolist()
            else:
                known = (modality.features_array[start:end] - mean) / std
                row += np.nan_to_num(known).mean(axis=0).tolist()
        table.append(row)
    return np.array(table)


@pytest.mark.parametrize("max_rows", [128, 4, 1])
@pytest.mark.parametrize("block", [256, 7])
def test_equals_a_loop_over_stays(
    max_rows: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_STAYS", block)
    dataset = cohort(60)
    scaler = fit_scaler(dataset, np.arange(40))
    features = haim_features(dataset, scaler, max_rows=max_rows)
    np.testing.assert_allclose(features, by_loop(dataset, scaler, max_rows), rtol=1e-9, atol=1e-9)


def test_columns_are_channel_major_and_named() -> None:
    dataset = cohort(10)
    names = feature_names(dataset)
    scaler = fit_scaler(dataset, np.arange(10))
    features = haim_features(dataset, scaler, max_rows=128)
    assert features.shape == (10, 11 * 5 + 3) == (10, len(names))
    assert names[:2] == ["vitals0_max", "vitals0_min"]
    assert names[11] == "vitals1_max"
    assert names[-3:] == ["age", "height", "weight"]


def test_broken_entries_and_absent_items_give_zero() -> None:
    dataset = cohort(3).select(["static"])
    scaler = fit_scaler(dataset, np.arange(3))
    array = np.array([[np.inf, 1e7, np.nan], [1, 2, 3], [3, 4, 5]], dtype=np.float32)
    items = Items("static", ("a", "b", "c"), np.array([0, 1, 1, 3]), np.zeros(3), array)
    changed = replace(dataset, modalities={"static": items})
    features = haim_features(changed, scaler, max_rows=128)
    mean, std = scaler.mean["static"], scaler.std["static"]
    assert (features[:2] == 0).all()
    np.testing.assert_allclose(features[2], ([2, 3, 4] - mean) / std)
