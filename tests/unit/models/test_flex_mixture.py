"""The mixture of Flex-MoE against a loop over tokens and experts, and its switches."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fleximodal.models.experts import Experts
from fleximodal.models.flex_losses import FlexLosses
from fleximodal.models.flex_mixture import FlexMixture

COMBINATION = torch.tensor([0, 4, 2, 0])
MODALITIES, TOKENS, WIDTH, EXPERTS = 3, 5, 8, 7
TARGET = COMBINATION.repeat_interleave(TOKENS)


def make_mixture(**changes: object) -> FlexMixture:
    torch.manual_seed(0)
    sizes = {"width": WIDTH, "experts": EXPERTS, "top_k": 3, "losses": FlexLosses()}
    mixture = FlexMixture(**(sizes | changes)).double()
    # Initial experts are almost zero.
    for parameter in mixture.experts.parameters():
        torch.nn.init.normal_(parameter)
    return mixture


def tokens() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(MODALITIES, len(COMBINATION) * TOKENS, WIDTH).double()


def expert(experts: Experts, number: int, x: Tensor) -> Tensor:
    hidden = F.gelu(experts.weight1[number] @ x + experts.bias1[number])
    return hidden @ experts.weight2[number] + experts.bias2[number]


def by_hand(mixture: FlexMixture, x: Tensor) -> Tensor:
    """Mix token by token, in evaluation."""
    rows = []
    for block in x:
        for token in block:
            logits = token @ mixture.router.gate_weight[0]
            chosen = logits.topk(3).indices
            weights = logits[chosen].softmax(0)
            pairs = zip(chosen.tolist(), weights, strict=True)
            rows.append(sum(w * expert(mixture.experts, e, token) for e, w in pairs))
    return torch.stack(rows).view_as(x)


@pytest.mark.parametrize("double", [True, False])
def test_one_pass_over_modalities_is_a_loop_over_tokens(double: bool) -> None:
    """Outputs and gradients of the one pass, in blocks and over ragged rows."""
    mixture, x = make_mixture().eval(), tokens()
    if not double:
        mixture, x = mixture.float(), x.float()
    tolerance = {"rtol": 1e-9, "atol": 1e-11} if double else {"rtol": 1e-4, "atol": 1e-5}
    found = []
    for function in (lambda y: mixture(y, COMBINATION)[0], lambda y: by_hand(mixture, y)):
        leaf = x.clone().requires_grad_()
        mixture.zero_grad()
        mixed = function(leaf)
        (
            mixed * torch.linspace(-1, 1, mixed.numel(), dtype=x.dtype).view_as(mixed)
        ).sum().backward()
        gradients = [p.grad for p in mixture.parameters() if p.grad is not None]
        found.append([mixed.detach(), leaf.grad, *gradients])
    assert len(found[0]) == len(found[1]) == 7
    for ours, reference in zip(*found, strict=True):
        assert torch.allclose(ours, reference, **tolerance)


def test_a_token_gets_the_same_alone_and_among_others() -> None:
    mixture, x = make_mixture().eval(), tokens()
    mixed, _ = mixture(x, COMBINATION)
    alone, _ = mixture(x[1:2, 5:10], COMBINATION[1:2])
    assert torch.allclose(alone[0], mixed[1, 5:10])


def test_weights_of_exactly_k_experts_sum_to_1_and_evaluation_repeats() -> None:
    mixture, x = make_mixture().eval(), tokens()
    mixed, routing = mixture(x, COMBINATION)
    assert ((routing.gates > 0).sum(-1) == 3).all()
    assert torch.allclose(routing.gates.sum(-1), torch.ones(MODALITIES, 20).double())
    assert torch.equal(mixture(x, COMBINATION)[0], mixed)
    assert not torch.equal(mixture.train()(x, COMBINATION)[0], mixed)


def test_initial_weights() -> None:
    torch.manual_seed(0)
    mixture = FlexMixture(width=128, experts=16, top_k=4, losses=FlexLosses())
    for matrix in (mixture.router.gate_weight, mixture.router.noise_weight):
        assert matrix.abs().max().item() == pytest.approx(0.25, rel=0.01)
    experts, bound = mixture.experts, 1 / math.sqrt(128 * 256)
    for weight in (experts.weight1, experts.weight2):
        assert weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert not experts.bias1.any() and not experts.bias2.any()
    assert experts.weight1.shape == (16, 256, 128)
    usual = FlexMixture(width=128, experts=16, top_k=4, losses=FlexLosses(), init="linear").experts
    assert usual.weight1.abs().max().item() == pytest.approx(1 / math.sqrt(128), rel=0.01)
    assert usual.weight2.abs().max().item() == pytest.approx(1 / math.sqrt(256), rel=0.01)
    assert usual.bias1.any() and usual.bias2.any()


def test_h2_softmax_over_all_experts_leaves_weights_below_1() -> None:
    x = tokens()
    _, released = make_mixture().eval()(x, COMBINATION)
    mixed, text = make_mixture(order="softmax_topk").eval()(x, COMBINATION)
    assert torch.equal(text.experts, released.experts)
    whole = text.clean.softmax(-1).gather(-1, text.experts)
    assert torch.allclose(text.weights, whole) and (text.weights.sum(-1) < 1).all()
    shares = text.weights / text.weights.sum(-1, keepdim=True)
    assert torch.allclose(shares, released.weights)
    token, experts = x[0, 0], make_mixture().experts
    chosen = zip(text.experts[0, 0].tolist(), text.weights[0, 0], strict=True)
    wanted = sum(w * expert(experts, e, token) for e, w in chosen)
    assert torch.allclose(mixed[0, 0], wanted)


def test_h3_full_stays_and_others_have_their_own_router() -> None:
    mixture, x = make_mixture(routers="separate").eval(), tokens()
    _, routing = mixture(x, COMBINATION)
    full = TARGET == 0
    own, other = (x @ r.gate_weight[0] for r in (mixture.router, mixture.partial_router))
    assert torch.allclose(routing.clean[:, full], own[:, full])
    assert torch.allclose(routing.clean[:, ~full], other[:, ~full])
    mixture.train()
    mixed, routing = mixture(x[:, full], COMBINATION[COMBINATION == 0])
    (mixed.sum() + routing.noisy.sum()).backward()
    assert mixture.router.gate_weight.grad.any()
    assert not mixture.partial_router.gate_weight.grad.any()
    assert make_mixture().partial_router is None


@pytest.mark.parametrize("training", [True, False])
def test_h5_an_assigned_expert_takes_the_place_of_the_weakest(training: bool) -> None:
    mixture, x = make_mixture(assignment="forced").train(training), tokens()
    _, routing = mixture(x, COMBINATION)
    chosen = routing.noisy.topk(3).indices
    for call in range(MODALITIES):
        for n, c in enumerate(TARGET.tolist()):
            wanted = chosen[call, n].tolist()
            if c > 0 and c not in wanted:
                wanted[-1] = c
            assert routing.experts[call, n].tolist() == wanted
            logits = routing.noisy[call, n][wanted]
            assert torch.allclose(routing.weights[call, n], logits.softmax(0))
    has = (routing.experts == TARGET.unsqueeze(-1)).any(-1)
    assert has[:, TARGET > 0].all()
    _, free = make_mixture().eval()(x, COMBINATION)
    assert not (free.experts == TARGET.unsqueeze(-1)).any(-1)[:, TARGET > 0].all()
