"""Batches against loops over stays, rows and channels; properties a batch must have."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fleximodal.dataset.batch import BatchBuilder, ItemsBatch, SeriesBatch
from fleximodal.dataset.grid import impute_grid
from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.dataset.reading import Reading
from fleximodal.dataset.scaler import Scaler, fit_scaler
from fleximodal.errors import FleximodalError

from .hospital import CHANNELS, STAYS, Hospital, Stay

Pack = Callable[..., Hospital]


def builder_of(
    dataset: PackedDataset, grid_steps: int = 48, **reading: Any
) -> tuple[BatchBuilder, Scaler]:
    scaler = fit_scaler(dataset, np.arange(dataset.num_stays))
    builder = BatchBuilder(dataset, scaler, grid_steps=grid_steps, reading=Reading(**reading))
    return builder, scaler


def standard(scaler: Scaler, name: str, channel: int, value: float) -> np.float32:
    return np.float32((value - scaler.mean[name][channel]) / scaler.std[name][channel])


@settings(max_examples=25, deadline=None)
@given(stays=STAYS, data=st.data(), max_rows=st.sampled_from([1, 2, 3, 1000]))
def test_batch_is_that_of_the_loops(
    pack: Pack, stays: list[Stay], data: st.DataObject, max_rows: int
) -> None:
    dataset = pack(stays).dataset
    builder, scaler = builder_of(dataset, max_rows=max_rows)
    index = data.draw(st.lists(st.sampled_from(range(len(stays))), min_size=1, max_size=8))
    batch = builder.batch(torch.tensor(index))
    assert batch.index.tolist() == index
    assert batch.labels.dtype == torch.int64
    assert batch.labels.tolist() == [stays[position].label for position in index]
    assert list(batch.modalities) == ["vitals", "labs", "static"]

    for name, channels in CHANNELS.items():
        part = batch.modalities[name]
        assert isinstance(part, SeriesBatch)
        kept = [stays[position].rows(name)[-max_rows:] for position in index]
        length = max(1, *map(len, kept))
        shape = (len(index), length, len(channels))
        values, mask = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        times = np.zeros(shape[:2], np.float32)
        for one, rows in enumerate(kept):
            for place, (hours, observed) in enumerate(rows):
                times[one, place] = np.float32(hours) / np.float32(48)
                for channel, value in observed.items():
                    values[one, place, channel] = standard(scaler, name, channel, value)
                    mask[one, place, channel] = 1
        np.testing.assert_allclose(part.values.numpy(), values, rtol=1e-6)
        np.testing.assert_array_equal(part.mask.numpy(), mask)
        np.testing.assert_allclose(part.times.numpy(), times, rtol=1e-7)
        assert part.present.dtype == torch.bool
        assert part.present.tolist() == [bool(rows) for rows in kept]
        series = dataset.modalities[name]
        assert isinstance(series, Series)
        value = np.array(
            [
                standard(scaler, name, channel, value)
                for channel, value in zip(series.channel, series.value, strict=True)
            ],
            dtype=np.float32,
        )
        grid = impute_grid(series, value, steps=48, horizon_hours=48.0)[index]
        np.testing.assert_allclose(part.grid.numpy(), grid, rtol=1e-6)

    static = batch.modalities["static"]
    assert isinstance(static, ItemsBatch)
    wanted = np.zeros((len(index), 1, 2), np.float32)
    for one, position in enumerate(index):
        for feature, value in enumerate(stays[position].static):
            if value is not None:
                wanted[one, 0, feature] = standard(scaler, "static", feature, value)
    np.testing.assert_allclose(static.values.numpy(), wanted, rtol=1e-6)
    has = [stays[position].static != (None, None) for position in index]
    assert static.mask.tolist() == [[float(one)] for one in has]
    assert static.times.tolist() == [[0.0]] * len(index)
    assert static.present.tolist() == has


def tensors(batch_part: SeriesBatch | ItemsBatch) -> dict[str, torch.Tensor]:
    return dict(vars(batch_part))


@settings(max_examples=20, deadline=None)
@given(stays=STAYS, data=st.data())
def test_permuting_the_index_permutes_the_batch(
    pack: Pack, stays: list[Stay], data: st.DataObject
) -> None:
    builder, _ = builder_of(pack(stays).dataset)
    order = torch.tensor(data.draw(st.permutations(range(len(stays)))))
    straight = builder.batch(torch.arange(len(stays)))
    permuted = builder.batch(order)
    assert torch.equal(permuted.labels, straight.labels[order])
    for name, part in straight.modalities.items():
        for key, tensor in tensors(part).items():
            assert torch.equal(tensors(permuted.modalities[name])[key], tensor[order])


@settings(max_examples=20, deadline=None)
@given(stays=STAYS)
def test_company_only_pads(pack: Pack, stays: list[Stay]) -> None:
    builder, _ = builder_of(pack(stays).dataset)
    together = builder.batch(torch.arange(len(stays)))
    for position in range(len(stays)):
        alone = builder.batch(torch.tensor([position]))
        for name, part in alone.modalities.items():
            company = tensors(together.modalities[name])
            for key, tensor in tensors(part).items():
                whole, own = company[key][position], tensor[0]
                if key in ("grid", "present"):
                    assert torch.equal(whole, own)
                    continue
                assert torch.equal(whole[: len(own)], own)
                assert not whole[len(own) :].any()


def test_stay_without_any_row_is_absent(pack: Pack) -> None:
    dataset = pack([Stay({(5, "HR"): 80.0})]).dataset
    builder, _ = builder_of(dataset)
    labs = builder.batch(torch.tensor([0])).modalities["labs"]
    assert isinstance(labs, SeriesBatch)
    assert labs.values.shape == (1, 1, 2)
    assert labs.present.tolist() == [False]
    assert not any(tensor.any() for tensor in tensors(labs).values())


def test_longest_stays_keep_their_last_rows_and_their_whole_grid(pack: Pack) -> None:
    stay = Stay({(60 * hour, "HR"): float(hour) for hour in range(10)})
    dataset = pack([stay]).dataset
    builder, _ = builder_of(dataset, max_rows=3, grid_steps=24)
    part = builder.batch(torch.tensor([0])).modalities["vitals"]
    assert isinstance(part, SeriesBatch)
    np.testing.assert_allclose(part.times.numpy(), np.array([[7, 8, 9]]) / 48, rtol=1e-7)
    assert part.grid.shape == (1, 24, 6)
    assert part.grid[0, :, 3].tolist() == [1.0] * 5 + [0.0] * 19


def test_standardised_values_of_all_stays_have_mean_0_and_deviation_1(pack: Pack) -> None:
    generator = np.random.default_rng(0)
    stays = [
        Stay({(int(minute), "HR"): float(generator.normal(80, 12)) for minute in range(0, 900, 7)})
        for _ in range(4)
    ]
    builder, _ = builder_of(pack(stays).dataset)
    part = builder.batch(torch.arange(4)).modalities["vitals"]
    assert isinstance(part, SeriesBatch)
    observed = part.values[part.mask > 0]
    assert observed.mean().item() == pytest.approx(0, abs=1e-5)
    assert observed.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_scaler_that_does_not_fit_is_refused(pack: Pack) -> None:
    dataset = pack([Stay({(5, "HR"): 80.0})]).dataset
    scaler = fit_scaler(dataset.select(["vitals"]), np.array([0]))
    with pytest.raises(FleximodalError, match="does not fit modality labs with 2 channels"):
        BatchBuilder(dataset, scaler)


@pytest.mark.parametrize(("max_items", "kept"), [(3, [4, 5, 6]), (9, range(7)), (None, range(7))])
def test_last_items_are_kept(pack: Pack, max_items: int | None, kept: list[int]) -> None:
    stays = pack([Stay({(5, "HR"): 80.0}), Stay({})]).dataset
    items = Items(
        name="notes",
        features=("notes_0",),
        row_offsets=np.array([0, 7, 7]),
        hours=np.arange(7, dtype=np.float32),
        features_array=np.arange(7, dtype=np.float32)[:, None],
    )
    dataset = replace(stays, modalities={"notes": items})
    scaler = Scaler({"notes": np.zeros(1)}, {"notes": np.ones(1)}, "")
    part = BatchBuilder(dataset, scaler, reading=Reading(max_items=max_items)).batch(
        torch.arange(2)
    )
    notes = part.modalities["notes"]
    assert notes.values[0, :, 0].tolist() == list(kept)
    assert notes.present.tolist() == [True, False]
