"""The imputed grid against a walk over the minutes of each stay."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
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
@example(stays=[Stay(events={(1728, "HR"): 1.0}, static=(None, None), label=0)], steps=5)
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


def authors_walk(stay: Stay, modality: str, steps: int) -> np.ndarray:
    """Return the grid of the released code, by a walk over times and channels."""
    channels = len(CHANNELS[modality])
    grid = np.zeros((steps, 2 * channels), dtype=np.float32)
    for hours, observed in stay.rows(modality):
        step = round(hours * 60) * steps // 2880
        if step >= steps:
            continue
        for channel in range(channels):
            if channel in observed:
                grid[step, channel] = observed[channel]
                grid[step, channels + channel] = 1
            elif grid[step - 1, channel] != 0:
                grid[step, channel] = grid[step - 1, channel]
    return grid


@settings(max_examples=25, deadline=None)
@given(stays=STAYS, steps=st.sampled_from([1, 2, 5, 24, 48]))
def test_grid_of_the_released_code_is_that_of_its_walk(
    pack: Pack, stays: list[Stay], steps: int
) -> None:
    dataset = pack(stays).dataset
    for name in CHANNELS:
        series = dataset.modalities[name]
        assert isinstance(series, Series)
        found = impute_grid(
            series, series.value, steps=steps, horizon_hours=48.0, imputation="authors_f_impute"
        )
        wanted = np.stack([authors_walk(stay, name, steps) for stay in stays])
        np.testing.assert_array_equal(found, wanted)


def test_the_released_code_loses_observations(pack: Pack) -> None:
    """K-10: no carrying over hours without a time, an old value over a new one, 0 not carried."""
    hr, temp, ph = "HR", "Temp", "pH"
    events = {(30, hr): 80.0, (70, hr): 85.0, (110, temp): 37.0, (130, temp): 38.0}
    events |= {(300, hr): 0.0, (370, temp): 36.0, (2880, ph): 7.4}
    series = vitals(pack([Stay(events)]))
    grids = [
        impute_grid(series, series.value, steps=48, horizon_hours=48.0, imputation=method)[0]
        for method in ("locf_mean", "authors_f_impute")
    ]
    carried, authors = (grid[:8, 0].tolist() for grid in grids)
    assert carried == [80.0, 85.0, 85.0, 85.0, 85.0, 0.0, 0.0, 0.0]
    assert authors == [80.0, 80.0, 80.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert (grids[0][47, 2], grids[1][47, 2]) == (np.float32(7.4), 0.0)
    assert grids[1][1, 3:].tolist() == [1.0, 1.0, 0.0]


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
    for imputation in ("locf_mean", "authors_f_impute"):
        options = {"steps": 48, "horizon_hours": 48.0, "imputation": imputation}
        whole = impute_grid(series, series.value, **options)
        with monkeypatch.context() as patch:
            patch.setattr(grid, "_STAYS_AT_ONCE", at_once)
            chunked = impute_grid(series, series.value, **options)
        np.testing.assert_array_equal(chunked, whole)
