"""The routers' losses of Flex-MoE against sums over single tokens, and their switches."""

import math
import statistics

import pytest
import torch
from torch import Tensor

from fleximodal.models.balance import load
from fleximodal.models.flex_losses import FlexLosses
from fleximodal.models.gates import NoisyTopKRouter, Routing

EXPERTS, TOP_K = 7, 3
TARGET = torch.tensor([0, 0, 2, 5, 0, 2, 1, 2])
FULL = torch.zeros_like(TARGET)
NONE_FULL = TARGET.clamp_min(1)


def route(tokens: int = 8, calls: int = 2) -> Routing:
    torch.manual_seed(3)
    router = NoisyTopKRouter(
        routers=1, input_width=6, experts=EXPERTS, top_k=TOP_K, gate="softmax", init_bound=1.0
    ).double()
    with torch.no_grad():
        return router(torch.randn(calls, tokens, 6).double())


def variation(values: list[float]) -> float:
    return statistics.variance(values) / (statistics.fmean(values) ** 2 + 1e-10)


def chance(routing: Routing, call: int, token: int, expert: int) -> float:
    """Return the probability that the expert is kept if its noise alone is drawn again."""
    noisy = routing.noisy[call, token].tolist()
    others = sorted(value for e, value in enumerate(noisy) if e != expert)
    threshold = others[-TOP_K]
    clean = float(routing.clean[call, token, expert])
    return 0.5 * math.erfc((threshold - clean) / float(routing.scale[call, token, expert]) / 2**0.5)


def plain(routing: Routing, target: Tensor, call: int) -> tuple[float, float, float]:
    """Return the three losses of one call, token by token (released code)."""
    full = [n for n, c in enumerate(target.tolist()) if c == 0]
    partial = [n for n, c in enumerate(target.tolist()) if c > 0]

    def balance(tokens: list[int], experts: range) -> float:
        gates = [sum(float(routing.gates[call, n, e]) for n in tokens) for e in experts]
        loads = [sum(chance(routing, call, n, e) for n in tokens) for e in experts]
        return variation(gates) + variation(loads)

    crossings = []
    for n in partial:
        noisy = routing.noisy[call, n].tolist()
        total = math.log(sum(math.exp(value) for value in noisy))
        crossings.append(total - noisy[int(target[n])])
    return (
        statistics.fmean(crossings) if crossings else 0.0,
        balance(full, range(EXPERTS)),
        balance(partial, range(1, EXPERTS)),
    )


@pytest.mark.parametrize("target", [TARGET, FULL, NONE_FULL], ids=["mixed", "full", "none full"])
def test_losses_are_those_of_single_tokens(target: Tensor) -> None:
    routing = route()
    terms = FlexLosses().terms(routing, target)
    for call in range(2):
        expected = plain(routing, target, call)
        found = [float(x[call]) for x in (terms.assignment, terms.full, terms.partial)]
        assert found == pytest.approx(list(expected))
    losses = FlexLosses(coef=0.01)(routing, target)
    whole = sum(sum(plain(routing, target, call)) for call in range(2))
    assert float(losses["balance"] + losses["assignment"]) == pytest.approx(0.01 * whole)


def test_full_stays_alone_have_no_assignment() -> None:
    assert not FlexLosses().terms(route(), FULL).assignment.any()


def test_stays_without_any_modality_count_nowhere() -> None:
    routing = route()
    without = torch.where(torch.arange(8) == 6, -1, TARGET)
    kept = torch.tensor([n for n in range(8) if n != 6])
    found = FlexLosses().terms(routing, without)
    expected = FlexLosses().terms(routing.of_tokens(kept), without[kept])
    for name, values in vars(expected).items():
        assert torch.allclose(getattr(found, name), values)


def test_gradients_are_finite_for_any_kind_of_batch() -> None:
    for target in (TARGET, FULL, NONE_FULL, torch.full_like(TARGET, -1)):
        router = NoisyTopKRouter(
            routers=1, input_width=6, experts=EXPERTS, top_k=TOP_K, gate="softmax", init_bound=1.0
        ).double()
        losses = FlexLosses()(router(torch.randn(2, 8, 6).double()), target)
        sum(losses.values()).backward()
        assert router.gate_weight.grad.isfinite().all()


def test_loads_of_a_token_add_up_to_the_number_kept_where_noise_is_small() -> None:
    router = NoisyTopKRouter(
        routers=1, input_width=6, experts=EXPERTS, top_k=TOP_K, gate="softmax", init_bound=1.0
    ).double()
    with torch.no_grad():
        router.noise_weight.fill_(0).sub_(5)
    x = torch.rand(1, 40, 6).double() + 1
    routing = router(x)
    assert routing.scale.max() < 0.011
    assert load(routing).sum().item() == pytest.approx(40 * TOP_K, rel=0.01)


def test_without_specialisation_incomplete_stays_are_balanced_over_all_experts() -> None:
    routing = route()
    found = FlexLosses(specialise=False)
    assert found(routing, TARGET).keys() == {"balance"}
    partial = torch.nonzero(TARGET > 0).flatten()
    alone = FlexLosses().terms(routing.of_tokens(partial), torch.zeros_like(partial))
    assert torch.allclose(found.terms(routing, TARGET).partial, alone.full)
    assert torch.equal(found.terms(routing, TARGET).full, FlexLosses().terms(routing, TARGET).full)


def test_without_generalisation_one_balance_is_taken_over_all() -> None:
    routing = route()
    terms = FlexLosses(specialise=False, generalise=False).terms(routing, TARGET)
    assert torch.allclose(terms.full, FlexLosses().terms(routing, FULL).full)
    assert not terms.partial.any()


def test_no_coefficient_no_loss() -> None:
    assert FlexLosses(coef=0.0)(route(), TARGET) == {}


def test_h8_a_sum_is_the_mean_times_the_tokens() -> None:
    routing = route()
    mean, total = (
        FlexLosses(assignment_reduction=reduction).terms(routing, TARGET).assignment
        for reduction in ("mean", "sum")
    )
    assert torch.allclose(total, 5 * mean)


def test_h9_clean_logits_do_not_see_the_noise() -> None:
    routing = route()
    clean = FlexLosses(assignment_logits="clean").terms(routing, TARGET).assignment
    quiet = Routing(**{**vars(routing), "noisy": routing.clean})
    assert torch.allclose(clean, FlexLosses().terms(quiet, TARGET).assignment)
    assert not torch.allclose(clean, FlexLosses().terms(routing, TARGET).assignment)


@pytest.mark.parametrize("exclude", ["own_top1", "target", "none", "expert0"])
def test_h10_what_the_balance_of_incomplete_stays_leaves_out(exclude: str) -> None:
    routing = route()
    for call in range(2):
        gates, loads = [0.0] * EXPERTS, [0.0] * EXPERTS
        for n in torch.nonzero(TARGET > 0).flatten().tolist():
            strongest = int(routing.noisy[call, n].argmax())
            own = {"own_top1": strongest, "target": int(TARGET[n]), "none": None, "expert0": 0}
            for e in range(EXPERTS):
                if e != own[exclude]:
                    gates[e] += float(routing.gates[call, n, e])
                    loads[e] += chance(routing, call, n, e)
        if exclude == "expert0":
            gates, loads = gates[1:], loads[1:]
        found = FlexLosses(exclude=exclude).terms(routing, TARGET).partial[call]
        assert float(found) == pytest.approx(variation(gates) + variation(loads))


def test_h11_load_is_a_number_of_tokens() -> None:
    routing = route()
    found = FlexLosses(load="count").terms(routing, FULL).full
    for call in range(2):
        gates = routing.gates[call].sum(0).tolist()
        counts = (routing.gates[call] > 0).sum(0).double().tolist()
        assert float(found[call]) == pytest.approx(variation(gates) + variation(counts))


def test_h13_losses_of_modalities_are_added_or_averaged() -> None:
    routing = route()
    added, averaged = (FlexLosses(reduce=how)(routing, TARGET) for how in ("sum", "mean"))
    for name, value in added.items():
        assert torch.allclose(value, 2 * averaged[name])
