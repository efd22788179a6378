import copy

import pytest
import torch
from torch import Tensor, nn

from fleximodal.models import gradient_memory as module
from fleximodal.models.gradient_memory import gradient_memory


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGE", 0)


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return 2 * weight

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        return torch.mul(grad, 2, out=gradient_memory(ctx.saved_tensors[0]))


def step(weight: Tensor, factor: float = 1.0) -> int:
    (factor * Double.apply(weight)).sum().backward()
    return weight.grad.data_ptr()


def test_memory_is_used_again_once_the_gradient_is_cleared() -> None:
    weight = nn.Parameter(torch.ones(3, 4))
    first = step(weight)
    weight.grad = None
    filler = torch.empty(3, 4)  # would be given the memory, had it been returned
    assert step(weight) == first != filler.data_ptr()
    assert (weight.grad == 2).all()


def test_gradients_that_someone_holds_are_left_alone() -> None:
    weight = nn.Parameter(torch.ones(3, 4))
    step(weight)
    step(weight, 10.0)  # added to the first
    assert (weight.grad == 22).all()
    held, weight.grad = weight.grad, None
    step(weight)
    assert (held == 22).all() and (weight.grad == 2).all()
    pair = [torch.autograd.grad(k * Double.apply(weight).sum(), weight)[0] for k in (1, 2)]
    assert (pair[0] == 2).all() and (pair[1] == 4).all()


def test_each_parameter_has_its_own() -> None:
    weight = nn.Parameter(torch.ones(3, 4))
    step(weight)
    other = copy.deepcopy(weight)
    other.grad = None
    assert step(other) != weight.grad.data_ptr()
    step(other)
    assert (weight.grad == 2).all() and (other.grad == 4).all()


def test_what_is_no_parameter_gets_fresh_memory() -> None:
    weight = nn.Parameter(torch.ones(3, 4))
    for view in (weight * 1, weight[:, ::2]):
        assert gradient_memory(view).shape == view.shape
        assert gradient_memory(view).is_contiguous()
    assert gradient_memory(weight).dtype == weight.dtype
