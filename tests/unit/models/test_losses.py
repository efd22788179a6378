"""Balance and entropy losses against closed forms and definitions."""

import math

import pytest
import torch
from scipy.stats import norm

from fleximodal.models.balance import balance_loss, importance, load, squared_variation
from fleximodal.models.entropy import entropy_loss
from fleximodal.models.gates import NoisyTopKRouter, Routing


def make_routing(top_k: int, experts: int = 5, training: bool = True) -> Routing:
    torch.manual_seed(3)
    router = NoisyTopKRouter(
        routers=2, input_width=4, experts=experts, top_k=top_k, gate="softmax"
    ).double()
    torch.nn.init.normal_(router.gate_weight)
    torch.nn.init.normal_(router.noise_weight)
    return router.train(training)(torch.randn(2, 6, 4).double())


def test_squared_variation() -> None:
    assert squared_variation(torch.full((4,), 3.0)) == 0
    values = torch.tensor([1.0, 2.0, 6.0])
    assert squared_variation(values).item() == pytest.approx(7.0 / 9.0)
    assert squared_variation(torch.tensor([5.0])) == 0


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_load_is_the_chance_to_be_kept_if_the_own_noise_is_drawn_again(top_k: int) -> None:
    routing = make_routing(top_k)
    expected = torch.zeros(2, 5).double()
    for r in range(2):
        for n in range(6):
            for e in range(5):
                others = sorted(routing.noisy[r, n, j].item() for j in range(5) if j != e)
                threshold = others[-top_k]
                gap = routing.clean[r, n, e].item() - threshold
                expected[r, e] += norm.cdf(gap / routing.scale[r, n, e].item())
    assert torch.allclose(load(routing), expected)


def test_load_is_a_count_without_noise_or_choice() -> None:
    for routing in (make_routing(2, training=False), make_routing(5)):
        assert torch.equal(load(routing), (routing.gates > 0).sum(1).double())


def test_balance_loss_adds_importance_and_load_over_routers() -> None:
    routing = make_routing(2)
    expected = 0.0
    for r in range(2):
        for values in (routing.gates[r].sum(0), load(routing)[r]):
            expected += values.var().item() / (values.mean().item() ** 2 + 1e-10)
    assert balance_loss(routing).item() == pytest.approx(expected)
    assert torch.allclose(importance(routing).sum(1), torch.full((2,), 6.0).double())


def test_entropy_loss_is_zero_for_equal_and_minus_log_m_for_disjoint_use() -> None:
    same = torch.randn(1, 1, 6).double().expand(3, 4, 6)
    assert entropy_loss(same).item() == pytest.approx(0.0, abs=1e-12)
    apart = torch.full((3, 4, 6), -1e4).double()
    for m in range(3):
        apart[m, :, 2 * m : 2 * m + 2] = torch.randn(4, 2).double()
    assert entropy_loss(apart).item() == pytest.approx(-math.log(3))


def test_entropy_loss_is_the_published_difference_and_within_its_bounds() -> None:
    logits = (3 * torch.randn(4, 7, 5).double()).requires_grad_()
    use = logits.detach().softmax(-1).mean(1)
    entropies = [-sum(p * math.log(p) for p in row) for row in use.tolist()]
    mean = use.mean(0).tolist()
    expected = sum(entropies) / 4 + sum(p * math.log(p) for p in mean)
    loss = entropy_loss(logits)
    assert loss.item() == pytest.approx(expected)
    assert -math.log(4) <= loss.item() <= 0
    loss.backward()
    assert (logits.grad != 0).all()
