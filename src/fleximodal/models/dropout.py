"""Dropout whose random bits are cheap on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEVELS = 1 << 16


class Dropout(nn.Module):
    """Inverted dropout that cuts four decisions from each 64-bit random word.

    PyTorch's CPU kernel draws one number per element and costs more than the matrix products
    around it. The rate is rounded to a multiple of 2**-16 and the scale follows the rounded rate,
    so the mean is exact. Words come from the global generator of the CPU; on other devices
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

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with dropped entries in training, `x` itself in evaluation."""
        factors = self.factors(x)
        return x if factors is None else x * factors

    def factors(self, x: Tensor) -> Tensor | None:
        """Return what each entry of `x` is multiplied with, or None where nothing is dropped."""
        if not self.active:
            return None
        if x.device.type != "cpu":
            return F.dropout(torch.ones_like(x), self.rate)
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        draws = words.view(torch.int16)[: x.numel()].view(x.shape)
        factors = torch.empty_like(x, memory_format=torch.contiguous_format)
        torch.ge(draws, self._threshold - _LEVELS // 2, out=factors)
        return factors.mul_(_LEVELS / (_LEVELS - self._threshold))

    def extra_repr(self) -> str:
        """Return the rate, for printing."""
        return f"rate={self.rate}"
