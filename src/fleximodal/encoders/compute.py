"""Device, threads and the switches that make an encoder repeatable."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fleximodal.errors import FleximodalError


@contextmanager
def computing(threads: int, device: str) -> Iterator[torch.device]:
    """Yield the device for "auto", "cpu" or "cuda"; torch is repeatable within the block.

    On the CPU the same program, data and number of threads give the same bits. On a GPU the
    convolutions are deterministic and in full 32-bit precision.

    Raises
    ------
    FleximodalError
        If "cuda" is asked for and there is no usable GPU.
    """
    usable = torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise FleximodalError(
            "The encoder's device is 'cuda' but torch finds no usable GPU; set it to 'auto' or "
            "'cpu'."
        )
    cudnn = torch.backends.cudnn
    before = (
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        cudnn.allow_tf32,
        cudnn.benchmark,
    )
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")
    cudnn.allow_tf32, cudnn.benchmark = False, False
    try:
        yield torch.device("cuda" if usable and device != "cpu" else "cpu")
    finally:
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])
        cudnn.allow_tf32, cudnn.benchmark = before[2:]
