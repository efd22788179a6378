import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fleximodal.models.gates import NoisyTopKRouter, gate_logits

GATES = ["softmax", "gaussian", "laplace"]


def make_router(gate: str, routers: int = 2, top_k: int = 2, **options) -> NoisyTopKRouter:
    router = NoisyTopKRouter(
        routers=routers, input_width=6, experts=5, top_k=top_k, gate=gate, **options
    )
    torch.nn.init.normal_(router.gate_weight)
    torch.nn.init.normal_(router.noise_weight)
    return router


def published_logits(gate: str, x: Tensor, centres: Tensor) -> Tensor:
    """Equations 1 to 3, one token and expert after the other."""
    result = torch.empty(len(x), centres.shape[1], dtype=x.dtype)
    for n, token in enumerate(x):
        for e, centre in enumerate(centres.T):
            distance = torch.linalg.vector_norm(centre - token)
            result[n, e] = {
                "softmax": token @ centre,
                "gaussian": -(distance**2),
                "laplace": -distance,
            }[gate]
    return result


@pytest.mark.parametrize("gate", GATES)
def test_logits_are_the_published_ones_up_to_a_constant_per_token(gate: str) -> None:
    x, centres = torch.randn(7, 6).double(), torch.randn(6, 5).double()
    shift = gate_logits(gate, x[None], centres[None])[0] - published_logits(gate, x, centres)
    assert torch.allclose(shift, shift[:, :1].expand_as(shift), atol=1e-12)


@pytest.mark.parametrize("gate", GATES)
@given(seed=st.integers(0, 10**6), tokens=st.integers(1, 9), experts=st.integers(1, 7), k=st.data())
def test_weights_are_a_distribution_over_exactly_k_experts(gate, seed, tokens, experts, k) -> None:
    torch.manual_seed(seed)
    top_k = k.draw(st.integers(1, experts))
    router = NoisyTopKRouter(routers=2, input_width=3, experts=experts, top_k=top_k, gate=gate)
    torch.nn.init.normal_(router.gate_weight)
    routing = router(torch.randn(2, tokens, 3))
    assert (routing.gates >= 0).all()
    assert torch.allclose(routing.gates.sum(-1), torch.ones(2, tokens))
    assert ((routing.gates > 0).sum(-1) == top_k).all()
    assert torch.equal(routing.gates.gather(-1, routing.experts), routing.weights)
    chosen = routing.noisy.gather(-1, routing.experts).amin(-1)
    others = routing.noisy.masked_fill(routing.gates > 0, -torch.inf).amax(-1)
    assert (chosen >= others).all()


def test_gaussian_gate_is_a_softmax_gate_with_tied_bias() -> None:
    router = make_router("gaussian").eval()
    x = torch.randn(2, 9, 6)
    logits = 2 * x @ router.gate_weight - router.gate_weight.square().sum(1, keepdim=True)
    kept, experts = logits.topk(2)
    routing = router(x)
    assert torch.equal(routing.experts, experts)
    assert torch.allclose(routing.weights, kept.softmax(-1))


def test_laplace_logits_keep_their_digits_for_long_tokens() -> None:
    x, centres = torch.randn(1, 4, 12_288), 1e-3 * torch.randn(1, 12_288, 5)
    exact = gate_logits("laplace", x.double(), centres.double())
    found = gate_logits("laplace", x, centres)
    assert (found - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.parametrize("gate", GATES)
def test_gradients_are_those_of_the_published_form(gate: str) -> None:
    leaves = [torch.randn(4, 6).double(), torch.randn(6, 5).double()]
    found = []
    for logits in (lambda x, w: gate_logits(gate, x[None], w[None])[0], None):
        x, centres = (leaf.clone().requires_grad_() for leaf in leaves)
        values = (logits or (lambda x, w: published_logits(gate, x, w)))(x, centres)
        (values.softmax(-1) * torch.arange(5)).sum().backward()
        found.append((x.grad, centres.grad))
    for ours, published in zip(*found, strict=True):
        assert torch.allclose(ours, published, atol=1e-12)


def test_gradient_is_finite_where_token_and_centre_coincide() -> None:
    x = torch.randn(1, 3, 6, requires_grad=True)
    centres = x.detach().transpose(1, 2).clone().requires_grad_()
    gate_logits("laplace", x, centres).softmax(-1)[..., 0].sum().backward()
    assert x.grad.isfinite().all() and centres.grad.isfinite().all()
    zero = torch.zeros(1, 2, 6, requires_grad=True)
    gate_logits("laplace", zero, torch.zeros(1, 6, 3)).sum().backward()
    assert zero.grad.isfinite().all()


def test_noise_is_drawn_in_training_alone_unless_asked_for() -> None:
    x = torch.randn(2, 4, 6)
    router = make_router("softmax")
    assert not torch.equal(router(x).noisy, router(x).noisy)
    router.eval()
    assert torch.equal(router(x).noisy, router(x).clean)
    noisy = make_router("softmax", eval_noise=True).eval()
    assert not torch.equal(noisy(x).noisy, noisy(x).noisy)


def test_noise_can_be_given() -> None:
    x, noise = torch.randn(2, 4, 6), torch.randn(2, 4, 5)
    router = make_router("softmax")
    router.draw = lambda like: noise
    scale = torch.nn.functional.softplus(x @ router.noise_weight) + 1e-2
    assert torch.allclose(router(x).noisy, x @ router.gate_weight + noise * scale)


def test_gates_start_even() -> None:
    torch.manual_seed(0)
    router = NoisyTopKRouter(routers=1, input_width=6, experts=8, top_k=2, gate="laplace")
    routing = router(torch.randn(1, 4000, 6))
    assert (routing.clean == 0).all()
    assert ((routing.gates > 0).double().mean(1) - 2 / 8).abs().max() < 0.03
