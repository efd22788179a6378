"""Device, threads and the switches that make a run repeatable bit by bit."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fleximodal.errors import FleximodalError


def choose_device(name: str) -> torch.device:
    """Return the device for "auto" (a GPU if there is one), "cpu" or "cuda".

    Raises
    ------
    FleximodalError
        If "cuda" is asked for and there is no usable GPU.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise FleximodalError(
            "training.device is 'cuda' but torch finds no usable GPU; set it to 'auto' or 'cpu'"
        )
    return torch.device(name)


@contextmanager
def repeatable(threads: int) -> Iterator[None]:
    """Within the block torch uses `threads` threads and deterministic algorithms.

    Trainers that use other libraries ask torch for the number of threads. On the CPU the same
    program, data and number of threads then give the same bits. An operation without a
    deterministic form (there are some on GPUs) warns and goes on.
    """
    threads_before = torch.get_num_threads()
    mode_before = torch.get_deterministic_debug_mode()
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")
    try:
        yield
    finally:
        torch.set_num_threads(threads_before)
        torch.set_deterministic_debug_mode(mode_before)
