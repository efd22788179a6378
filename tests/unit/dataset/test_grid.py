"""The imputed grid against a walk over the minutes of each stay."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleximodal.dataset import grid
from fleximodal.dataset.grid import impute_grid
from fleximodal.dataset.packed import Series

from .hospital import CHANNELS, STAYS, Hospital, Stay

Pack = Callable[..., Hospital]


def walk(stay: Stay, modality: str, steps: int) -> np.ndarray:
    """Return the grid (T, 2C) of one stay by its definition, in whole minutes."""
    channels = CHANNELS[modality]
    wanted = np.zeros((steps, 2 * len(channels)), dtype=np.float32)
    for number, channel in enumerate(channels):
        minutes = sorted(minute for minute, name in stay.events if name == channel)
        for step in range(steps):
            # In units of 1/T minutes edges are whole numbers.
            start, end = step * 2880, (step + 1) * 2880
            last = step == steps - 1
            before = [minute for minute in minutes if minute * steps < end or last]
            if before:
                wanted[step, number] = stay.events[before[-1], channel]
            inside = [minute for minute in before if minute * steps >= start]
            wanted[step, len(channels) + number] = bool(inside)
    return wanted


@settings(max_examples=25, deadline=None)
@given(stays=STAYS, steps=st.sampled_from([1, 5, 24, 48, 96]))
def test_grid_is_that_of_the_walk(pack: Pack, stays: list[Stay], steps: int) -> None:
    dataset = pack(stays).dataset
    for name in CHANNELS:
        series = dataset.modalities[name]
        assert isinstance(series, Series)
        found = impute_grid(series, series.value, steps=steps, horizon_hours=48.0)
        assert found.dtype == np.float32
        wanted = np.stack([walk(stay, name, steps) for stay in stays])
        np.testing.assert_array_equal(found, wanted)


def vitals(hospital: Hospital) -> Series:
    series = hospital.dataset.modalities["vitals"]
    assert isinstance(series, Series)
    return series


def test_gaps_carry_the_last_value_and_the_start_is_zero(pack: Pack) -> None:
    series = vitals(pack([Stay({(130, "HR"): 80.0, (150, "HR"): 85.0, (600, "HR"): 70.0})]))
    found = impute_grid(series, series.value, steps=48, horizon_hours=48.0)[0]
    assert found[:2, 0].tolist() == [0.0] * 2
    assert found[2:10, 0].tolist() == [85.0] * 8
    assert found[10:, 0].tolist() == [70.0] * 38
    assert np.flatnonzero(found[:, 3]).tolist() == [2, 10]
    assert not found[:, [1, 2, 4, 5]].any()


def test_the_horizon_belongs_to_the_last_bin(pack: Pack) -> None:
    series = vitals(pack([Stay({(2880, "pH"): 7.5, (2825, "pH"): 7.1, (2819, "HR"): 60.0})]))
    found = impute_grid(series, series.value, steps=48, horizon_hours=48.0)[0]
    assert found[46:, 2].tolist() == [0.0, 7.5]
    assert found[46:, 0].tolist() == [60.0, 60.0]
    assert found[46:, 3:].tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]


def test_hours_after_the_horizon_belong_to_no_bin(pack: Pack) -> None:
    series = vitals(pack([Stay({(60, "HR"): 80.0, (2880, "HR"): 85.0})]))
    later = replace(series, hours=np.array([1.0, 60.0], dtype=np.float32))
    found = impute_grid(later, later.value, steps=48, horizon_hours=48.0)[0]
    assert found[1:, 0].tolist() == [80.0] * 47
    assert np.flatnonzero(found[:, 3]).tolist() == [1]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_working_in_chunks_changes_nothing(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    stays = [Stay({(60 * hour, "HR"): 10.0 * hour + number for hour in range(number)})
             for number in range(5)]  # fmt: skip
    series = vitals(pack(stays))
    whole = impute_grid(series, series.value, steps=48, horizon_hours=48.0)
    monkeypatch.setattr(grid, "_STAYS_AT_ONCE", at_once)
    chunked = impute_grid(series, series.value, steps=48, horizon_hours=48.0)
    np.testing.assert_array_equal(chunked, whole)
