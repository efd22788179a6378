"""Memory of large gradients, used again in the next step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakTensorKeyDictionary

# Bytes from which on fresh memory costs more to touch than a gradient costs to compute.
_LARGE = 1 << 20

_MEMORY = WeakTensorKeyDictionary()


def gradient_memory(weight: Tensor) -> Tensor:
    """Return an uninitialised tensor like `weight`, for its gradient.

    Stacked weights of experts are large, and most allocators hand memory of this size back to the
    system whenever a gradient is cleared: every step would fault it in again. So a parameter's last
    gradient is kept, and its memory given out again once nothing else refers to it. On other
    devices than a CPU PyTorch's allocator does the same.
    """
    large = weight.nbytes >= _LARGE and weight.device.type == "cpu"
    if not (large and weight.is_leaf and weight.is_contiguous()):
        return torch.empty_like(weight, memory_format=torch.contiguous_format)
    memory: torch.UntypedStorage | None = _MEMORY.get(weight)
    if memory is not None and memory.nbytes() == weight.nbytes and _unused(memory):
        return torch.empty(0, dtype=weight.dtype).set_(memory, 0, weight.shape, weight.stride())
    gradient = torch.empty_like(weight)
    _MEMORY[weight] = gradient.untyped_storage()
    return gradient


class _Cut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.part = part
        return part(weight).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (weight,) = ctx.saved_tensors
        columns = ctx.part(torch.arange(weight.shape[-1], device=weight.device))
        return gradient_memory(weight).zero_().index_copy_(-1, columns, grad), None


def cut(weight: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
    """Return ``part(weight)``; the weight's gradient, zero elsewhere, is in memory used again.

    Parameters
    ----------
    weight
        (..., width).
    part
        Picks entries along the last axis of (..., width).
    """
    cut_out: Tensor = _Cut.apply(weight, part)
    return cut_out


def _unused(memory: torch.UntypedStorage) -> bool:
    return int(torch._C._storage_Use_Count(memory._cdata)) == 1
