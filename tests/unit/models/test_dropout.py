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


@pytest.mark.parametrize("count", [1_000, 400_001])
def test_what_is_kept_and_dropped(count: int) -> None:
    dropout, like = Dropout(0.25), torch.zeros(1, dtype=torch.float64)
    torch.manual_seed(2)
    kept = dropout.kept(like, (count, 1))
    torch.manual_seed(2)
    dropped = dropout.dropped(like, (count, 1))
    assert kept.shape == (count, 1) and kept.dtype == torch.float64
    assert torch.equal(kept, 1 - dropped)
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert abs(dropped.mean().item() - 0.25) < 5 * (0.25 * 0.75 / count) ** 0.5
    assert dropout.scale == 1 / 0.75
    assert dropout.eval().kept(like, (3,)) is None and dropout.dropped(like, (3,)) is None


def test_generator_for_many_draws_is_started_anew_each_time() -> None:
    dropout, x = Dropout(0.5), torch.ones(200_000)
    torch.manual_seed(3)
    first, second = dropout(x), dropout(x)
    assert abs(torch.corrcoef(torch.stack([first, second]))[0, 1]) < 0.02
    for lag in (1, 2, 4, 64):
        shifted = torch.corrcoef(torch.stack([first[lag:], first[:-lag]]))[0, 1]
        assert abs(shifted) < 0.02
