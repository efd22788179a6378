"""Micro-batches within a batch, against loops over them."""

import pytest
import torch

from fleximodal.models.windows import MicroBatch, any_in_window, by_window, read_across, read_back


@pytest.mark.parametrize("stays", [1, 2, 5, 6])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_reading_across_is_the_reshape_of_each_micro_batch(stays: int, size: int) -> None:
    steps, width = 4, 3
    x = torch.arange(stays * steps * width, dtype=torch.float32).view(stays, steps, width)
    rows = []
    for micro_batch in x.split(size):
        time_first = micro_batch.transpose(0, 1).contiguous()
        rows.append(time_first.reshape(len(micro_batch), steps * width))
    found = read_across(x, size)
    assert torch.equal(found, torch.cat(rows))
    assert torch.equal(read_back(found, size, steps), x)
    if size == 1:
        assert torch.equal(found, x.flatten(1))


def test_windows_are_filled_up_with_zeros() -> None:
    x = torch.arange(1.0, 11.0).view(5, 2)
    windows = by_window(x, 2)
    assert windows.shape == (3, 2, 2)
    assert torch.equal(windows.flatten(0, 1)[:5], x)
    assert windows[2, 1].tolist() == [0.0, 0.0]


def test_any_in_window() -> None:
    flags = torch.tensor([False, True, False, False, True])
    assert any_in_window(flags, 2).tolist() == [True, True, False, False, True]


def test_size_depends_on_the_mode() -> None:
    assert [MicroBatch(2, 8).size(training) for training in (True, False)] == [2, 8]
