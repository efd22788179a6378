import pytest
import torch

from fleximodal.models.dropout import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.85])
def test_rate_scale_and_gradient(rate: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(400_003, requires_grad=True)
    y = Dropout(rate)(x)
    dropped = y == 0
    assert abs(dropped.double().mean().item() - rate) < 5 * (rate * (1 - rate) / len(x)) ** 0.5
    assert torch.allclose(y[~dropped], torch.tensor(1 / (1 - rate)), rtol=2e-4)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_draws_are_independent_between_lanes_and_fixed_by_the_seed() -> None:
    dropout = Dropout(0.3)
    torch.manual_seed(1)
    first = dropout(torch.ones(100_000, 4))
    torch.manual_seed(1)
    assert torch.equal(first, dropout(torch.ones(100_000, 4)))
    assert not torch.equal(first, dropout(torch.ones(100_000, 4)))
    correlation = torch.corrcoef((first > 0).double().T)
    assert (correlation - torch.eye(4)).abs().max() < 0.02


def test_nothing_is_dropped_in_evaluation_or_at_rate_zero() -> None:
    x = torch.randn(7, 3)
    assert Dropout(0.4).eval()(x) is x
    assert Dropout(0.0)(x) is x
