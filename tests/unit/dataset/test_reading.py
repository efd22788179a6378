"""How stored data are read: times and limits of the paper and of the released code."""

import numpy as np
import pytest
import torch

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.dataset.reading import Reading
from fleximodal.dataset.scaler import fit_scaler

HOURS = np.arange(0, 42, 6, dtype=np.float32)
COUNT = len(HOURS)


def dataset(source: str = "synthetic-mimic4", horizon: float = 48.0) -> PackedDataset:
    """Return one stay with a time of each modality every six hours."""
    offsets = np.array([0, COUNT])
    values = np.arange(COUNT, dtype=np.float32)
    modalities: dict[str, Series | Items] = {
        "vitals": Series(
            "vitals", ("HR",), offsets, HOURS, np.arange(COUNT + 1),
            np.zeros(COUNT, dtype=np.int16), values,
        )
    }  # fmt: skip
    for name in ("notes", "cxr", "ecg", "codes"):
        modalities[name] = Items(name, (f"{name}_0",), offsets, HOURS, values[:, None])
    ids, label = np.array([7]), np.zeros(1, dtype=np.int8)
    return PackedDataset(
        source, "48-IHM", horizon, horizon, ("death",), ids, ids, label, modalities
    )


def times(packed: PackedDataset, **options: object) -> dict[str, np.ndarray]:
    builder = BatchBuilder(packed, fit_scaler(packed, np.array([0])), reading=Reading(**options))
    parts = builder.batch(torch.tensor([0])).modalities
    return {name: part.times[0].numpy() for name, part in parts.items()}


@pytest.mark.parametrize("horizon", [48.0, 24.0])
def test_one_axis_for_all_modalities(horizon: float) -> None:
    for found in times(dataset(horizon=horizon)).values():
        np.testing.assert_allclose(found, HOURS / horizon, rtol=1e-6)


def test_k5_axes_of_the_released_code_differ_by_modality() -> None:
    found = times(dataset(), time_axis="authors")
    np.testing.assert_allclose(found["notes"], 1 - HOURS / 48, rtol=1e-6)
    for name in ("cxr", "ecg"):
        np.testing.assert_array_equal(found[name], HOURS)
    for name in ("vitals", "codes"):
        np.testing.assert_allclose(found[name], HOURS / 48, rtol=1e-6)


@pytest.mark.parametrize("source", ["mimic3", "synthetic-mimic3"])
def test_k5_notes_of_mimic3_run_forward_in_the_released_code_too(source: str) -> None:
    found = times(dataset(source), time_axis="authors")
    np.testing.assert_allclose(found["notes"], HOURS / 48, rtol=1e-6)


def test_e4_the_released_code_limits_notes_alone() -> None:
    paper = {name: len(found) for name, found in times(dataset(), max_items=5).items()}
    released = times(dataset(), max_items=5, item_limit="notes")
    assert paper == {"vitals": 7, "notes": 5, "cxr": 5, "ecg": 5, "codes": 5}
    assert {name: len(found) for name, found in released.items()} == {
        "vitals": 7, "notes": 5, "cxr": 7, "ecg": 7, "codes": 7,
    }  # fmt: skip
    np.testing.assert_allclose(released["notes"], HOURS[-5:] / 48, rtol=1e-6)


def test_reading_changes_no_stored_array() -> None:
    packed = dataset()
    before = packed.modalities["notes"].hours.copy()
    times(packed, time_axis="authors", imputation="authors_f_impute")
    np.testing.assert_array_equal(packed.modalities["notes"].hours, before)
