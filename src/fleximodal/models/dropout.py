"""Dropout whose random bits are cheap on a CPU."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEVELS = 1 << 16

# Words from which on this generator, started anew for each draw, is cheaper than PyTorch's.
_MANY = 1 << 12
_GENERATOR = np.random.SFC64(0)
_LOCK = threading.Lock()


class Dropout(nn.Module):
    """Inverted dropout that cuts four decisions from each 64-bit random word.

    PyTorch's CPU kernel draws one number per element and costs more than the matrix products
    around it. The rate is rounded to a multiple of 2**-16 and the scale follows the rounded rate,
    so the mean is exact. Words follow from the global generator of the CPU; on other devices
    PyTorch's own kernel is used.

    Parameters
    ----------
    rate
        Probability of a zero, in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self._threshold = round(rate * _LEVELS)

    @property
    def active(self) -> bool:
        """Whether anything is dropped in the present mode."""
        return self.training and self._threshold > 0

    @property
    def scale(self) -> float:
        """What is kept is multiplied with this where something is dropped."""
        return _LEVELS / (_LEVELS - self._threshold)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with dropped entries in training, `x` itself in evaluation."""
        if x.device.type != "cpu":
            return F.dropout(x, self.rate, self.training)
        kept = self.kept(x, x.shape)
        return x if kept is None else x * kept.mul_(self.scale)

    def kept(self, like: Tensor, shape: Sequence[int]) -> Tensor | None:
        """Return a tensor of `shape`, 0 where dropped and else 1; None where nothing is dropped.

        It is of the kind of `like`. What is kept has to be multiplied by `scale`.
        """
        return self._draw(like, shape, torch.ge) if self.active else None

    def dropped(self, like: Tensor, shape: Sequence[int]) -> Tensor | None:
        """Return 1 less what `kept` returns."""
        return self._draw(like, shape, torch.lt) if self.active else None

    def _draw(self, like: Tensor, shape: Sequence[int], compare: Callable[..., Tensor]) -> Tensor:
        result = like.new_empty(shape)
        if like.device.type != "cpu":
            return compare(torch.rand_like(result), self._threshold / _LEVELS).to(like.dtype)
        words = _random_words((result.numel() + 3) // 4)
        draws = words.view(torch.int16)[: result.numel()].view(result.shape)
        return compare(draws, self._threshold - _LEVELS // 2, out=result)

    def extra_repr(self) -> str:
        """Return the rate, for printing."""
        return f"rate={self.rate}"


def _random_words(count: int) -> Tensor:
    """Return 64-bit words; many of them from a generator whose state is drawn from PyTorch's."""
    if count < _MANY:
        return torch.empty(count, dtype=torch.int64).random_(-(2**63), None)
    state = torch.empty(4, dtype=torch.int64).random_(-(2**63), None).numpy().view(np.uint64)
    with _LOCK:
        _GENERATOR.state = {
            "bit_generator": "SFC64",
            "state": {"state": state},
            "has_uint32": 0,
            "uinteger": 0,
        }
        words = _GENERATOR.random_raw(count)
    return torch.from_numpy(words.view(np.int64))
