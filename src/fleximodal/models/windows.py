"""Micro-batches within a batch: consecutive stays that the released code sees together."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class MicroBatch:
    """Stays of a micro-batch in training and in evaluation (FuseMoE table 6: 2 and 8)."""

    training: int
    evaluation: int

    def size(self, training: bool) -> int:
        """Return the size in the mode given."""
        return self.training if training else self.evaluation


def by_window(x: Tensor, size: int) -> Tensor:
    """Cut the first axis into windows, (W, size, ...); the last one is filled up with zeros."""
    lacking = -len(x) % size
    if lacking:
        x = F.pad(x, (*[0] * 2 * (x.dim() - 1), 0, lacking))
    return x.unflatten(0, (-1, size))


def any_in_window(flags: Tensor, size: int) -> Tensor:
    """Return for each of (B,) bool whether one is true in its window."""
    return by_window(flags, size).any(1).repeat_interleave(size)[: len(flags)]


def read_across(x: Tensor, size: int) -> Tensor:
    """Read each window (size, T, d) of stays as if time came first: (B, T, d) to (B, T * d).

    The memory of the window's (T, size, d) is cut into `size` rows, each with time slices of all
    its stays. An incomplete last window is one of its own size.
    """
    rows = [part.transpose(1, 2).reshape(-1, x.shape[1] * x.shape[2]) for part in _cut(x, size)]
    return torch.cat(rows)


def read_back(x: Tensor, size: int, steps: int) -> Tensor:
    """Undo `read_across`: (B, T * d) to (B, T, d)."""
    stays = [
        part.reshape(len(part), steps, part.shape[1], -1).transpose(1, 2).flatten(0, 1)
        for part in _cut(x, size)
    ]
    return torch.cat(stays)


def _cut(x: Tensor, size: int) -> list[Tensor]:
    """Cut the first axis into (W, size, ...) and, if something is left, (1, rest, ...)."""
    whole = len(x) - len(x) % size
    parts = [x[:whole].unflatten(0, (-1, size))] if whole else []
    return parts + ([x[whole:].unsqueeze(0)] if whole < len(x) else [])
