"""Balance and entropy losses against closed forms and definitions."""

import math

import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from fleximodal.models.balance import balance_loss, importance, load, squared_variation
from fleximodal.models.entropy import EntropyForm, entropy_loss, pool_entropy_loss
from fleximodal.models.gates import NoisyTopKRouter, Routing
from fleximodal.models.router_loss import RouterLoss


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
    assert entropy_loss(same.softmax(-1)).item() == pytest.approx(0.0, abs=1e-12)
    apart = torch.full((3, 4, 6), -1e4).double()
    for m in range(3):
        apart[m, :, 2 * m : 2 * m + 2] = torch.randn(4, 2).double()
    assert entropy_loss(apart.softmax(-1)).item() == pytest.approx(-math.log(3))


def test_entropy_loss_is_the_published_difference_and_within_its_bounds() -> None:
    logits = (3 * torch.randn(4, 7, 5).double()).requires_grad_()
    use = logits.detach().softmax(-1).mean(1)
    entropies = [-sum(p * math.log(p) for p in row) for row in use.tolist()]
    mean = use.mean(0).tolist()
    expected = sum(entropies) / 4 + sum(p * math.log(p) for p in mean)
    loss = entropy_loss(logits.softmax(-1))
    assert loss.item() == pytest.approx(expected)
    assert -math.log(4) <= loss.item() <= 0
    loss.backward()
    assert (logits.grad != 0).all()


def plain_entropy(p: Tensor) -> float:
    return -sum(x * math.log(x) for x in p.tolist() if x > 0)


def plain_entropy_loss(p: Tensor, present: Tensor, form: EntropyForm) -> float:
    """Return equation 4 with its open choices, group by group and token by token."""
    modalities, tokens = present.shape
    groups: list[list[Tensor]] = [[] for _ in range(modalities + 1)]
    for m in range(modalities):
        for n in range(tokens):
            if present[m, n] or form.missing_tokens == "included":
                groups[m].append(p[m, n])
            elif form.missing_tokens == "own_group":
                groups[-1].append(p[m, n])
    groups = [group for group in groups if group]
    counts = [len(group) if form.weights == "tokens" else 1 for group in groups]
    use = [torch.stack(group).mean(0) for group in groups]
    if form.local == "of_mean":
        local = [plain_entropy(x) for x in use]
    else:
        local = [sum(plain_entropy(x) for x in group) / len(group) for group in groups]
    shares = [count / sum(counts) for count in counts]
    mean = sum(share * x for share, x in zip(shares, use, strict=True))
    return sum(s * h for s, h in zip(shares, local, strict=True)) - plain_entropy(mean)


@pytest.mark.parametrize("local", ["of_mean", "mean_of_tokens"])
@pytest.mark.parametrize("missing", ["included", "excluded", "own_group"])
@pytest.mark.parametrize("weights", ["uniform", "tokens"])
@pytest.mark.parametrize("sparse", [False, True])
def test_choices_that_equation_4_leaves_open(local, missing, weights, sparse) -> None:
    torch.manual_seed(5)
    form = EntropyForm(local, missing, weights)
    logits = torch.randn(3, 8, 6).double()
    if sparse:
        logits = logits.masked_fill(logits < logits.topk(2).values[..., -1:], -torch.inf)
    p = logits.softmax(-1)
    present = torch.rand(3, 8) < 0.6
    present[1] = False
    wanted = plain_entropy_loss(p, present, form)
    assert entropy_loss(p, present, form=form).item() == pytest.approx(wanted)
    windows = [plain_entropy_loss(p[:, n : n + 3], present[:, n : n + 3], form) for n in (0, 3, 6)]
    found = entropy_loss(p, present, form=form, window=3)
    assert found.item() == pytest.approx(sum(windows) / 3)
    assert entropy_loss(p, form=form, window=8) == entropy_loss(p, form=form)


def test_each_choice_changes_the_loss() -> None:
    torch.manual_seed(6)
    p, present = torch.randn(3, 8, 6).softmax(-1), torch.rand(3, 8) < 0.6
    forms = [
        EntropyForm(),
        EntropyForm(local="mean_of_tokens"),
        EntropyForm(missing_tokens="excluded"),
        EntropyForm(missing_tokens="own_group"),
        EntropyForm(missing_tokens="excluded", weights="tokens"),
    ]
    values = {round(entropy_loss(p, present, form=form).item(), 6) for form in forms}
    assert len(values) == len(forms)


def test_experts_without_use_have_a_finite_gradient() -> None:
    gates = torch.tensor([[[0.4, 0.6, 0.0]], [[0.0, 1.0, 0.0]]], requires_grad=True)
    entropy_loss(gates).backward()
    assert gates.grad.isfinite().all()


def test_loss_of_pools_is_least_where_each_pool_is_used_evenly() -> None:
    even, one = torch.full((2, 5, 4), 0.25), torch.eye(4)[torch.zeros(2, 5, dtype=torch.long)]
    assert pool_entropy_loss(even).item() == pytest.approx(-math.log(4))
    assert pool_entropy_loss(one).item() == pytest.approx(0.0)
    present = torch.tensor([[True] * 5, [False] * 5])
    mixed = torch.stack([even[0], one[1]])
    form = EntropyForm(missing_tokens="excluded")
    assert pool_entropy_loss(mixed, present, form=form).item() == pytest.approx(-math.log(4))
    assert pool_entropy_loss(mixed, present).item() == pytest.approx(-math.log(4) / 2)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("window", [1, 2, 4, 6])
def test_windows_give_the_mean_of_their_balance_losses(window: int, training: bool) -> None:
    routing = make_routing(2, training=training)
    parts = [
        balance_loss(routing.of_tokens(tokens)).item() for tokens in torch.arange(6).split(window)
    ]
    found = balance_loss(routing, window).item()
    assert found == pytest.approx(sum(parts) / len(parts))
    assert (found == pytest.approx(balance_loss(routing).item())) is (window == 6)


@pytest.mark.parametrize(
    ("design", "disjoint", "name"),
    [
        ("joint", "off", "balance"),
        ("per_modality", "off", "entropy"),
        ("disjoint", "off", None),
        ("disjoint", "within_pool", "entropy"),
        ("disjoint", "balance", "balance"),
    ],
)
def test_each_router_design_has_its_loss(design, disjoint, name) -> None:
    loss = RouterLoss(balance_coef=0.1, entropy_coef=0.2, disjoint=disjoint)
    found = loss(design, make_routing(2), None, 1)
    assert list(found) == ([] if name is None else [name])
    none = RouterLoss(disjoint=disjoint)
    assert none(design, make_routing(2), None, 1) == {}


def test_equation_4_is_constant_for_disjoint_pools() -> None:
    """Why disjoint routers have another loss, or none."""
    logits = torch.randn(2, 7, 3).double().requires_grad_()
    p = torch.zeros(2, 7, 6).double()
    p[0, :, :3], p[1, :, 3:] = logits.softmax(-1)
    loss = entropy_loss(p)
    assert loss.item() == pytest.approx(-math.log(2))
    loss.backward()
    assert logits.grad.abs().max() < 1e-12
