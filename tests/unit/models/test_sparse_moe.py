"""The mixture against a plain loop over tokens, routers and experts with autograd."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fleximodal.models.dropout import Dropout
from fleximodal.models.expert_mixture import arrange
from fleximodal.models.sparse_moe import SparseMoE

DESIGNS = ["joint", "per_modality", "disjoint"]
OUTPUTS = ["linear", "log_softmax"]


def make_moe(design: str, output: str, *, modalities=3, width=4, experts=7, top_k=2, hidden=5):
    moe = SparseMoE(
        design=design,
        modalities=modalities,
        input_width=width * (modalities if design == "joint" else 1),
        output_width=width * modalities,
        gate="laplace",
        experts=experts,
        top_k=top_k,
        hidden=hidden,
        dropout=0.0,
        output=output,
    ).double()
    torch.nn.init.normal_(moe.router.gate_weight)
    return moe


def plain_mixture(moe: SparseMoE, tokens: list[Tensor]) -> Tensor:
    """Return the mixture by definition, one token after the other."""
    experts = moe.experts
    inputs = moe.inputs(tokens)
    gates = moe.router(inputs).gates
    rows = []
    for n in range(len(tokens[0])):
        total = torch.zeros(experts.weight2.shape[2], dtype=inputs.dtype)
        for r, x in enumerate(inputs[:, n]):
            first = r * experts.per_pool if experts.pools > 1 else 0
            mixture = torch.zeros_like(total)
            for e in range(experts.per_pool):
                if gates[r, n, e] == 0:
                    continue
                hidden = F.gelu(experts.weight1[first + e] @ x + experts.bias1[first + e])
                output = hidden @ experts.weight2[first + e] + experts.bias2[first + e]
                if experts.output == "log_softmax":
                    output = output.softmax(-1)
                mixture = mixture + gates[r, n, e] * output
            total = total + (mixture.log() if experts.output == "log_softmax" else mixture)
        rows.append(total)
    return torch.stack(rows)


def outcome(moe: SparseMoE, tokens: list[Tensor], function) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() for x in tokens]
    moe.zero_grad()
    result = function(leaves)
    (result * torch.linspace(-1, 1, result.numel()).view(result.shape)).sum().backward()
    gradients = [x.grad for x in leaves] + [p.grad for p in moe.parameters()]
    zeros = [torch.zeros_like(p) for p in [*leaves, *moe.parameters()]]
    gradients = [z if g is None else g for g, z in zip(gradients, zeros, strict=True)]
    return [result.detach(), *gradients]


def assert_same(ours: list[Tensor], reference: list[Tensor]) -> None:
    for a, b in zip(ours, reference, strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("design", DESIGNS)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    modalities=st.integers(1, 4),
    tokens=st.integers(1, 9),
    width=st.integers(1, 5),
    hidden=st.integers(1, 6),
    top_k=st.integers(1, 3),
    spare=st.integers(0, 9),
)
def test_mixture_is_the_sum_by_definition(
    design, output, seed, modalities, tokens, width, hidden, top_k, spare
) -> None:
    torch.manual_seed(seed)
    experts = top_k * (modalities if design == "disjoint" else 1) + spare
    moe = make_moe(
        design,
        output,
        modalities=modalities,
        width=width,
        experts=experts,
        top_k=top_k,
        hidden=hidden,
    ).eval()
    x = [torch.randn(tokens, width).double() for _ in range(modalities)]
    ours = outcome(moe, x, lambda leaves: moe(leaves)[0])
    assert_same(ours, outcome(moe, x, lambda leaves: plain_mixture(moe, leaves)))


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    routers=st.integers(1, 3),
    tokens=st.integers(1, 12),
    top_k=st.integers(1, 3),
    spare=st.integers(0, 5),
    own_pools=st.booleans(),
    ragged=st.booleans(),
    uneven=st.booleans(),
)
def test_each_choice_has_a_row_among_those_of_its_expert(
    seed, routers, tokens, top_k, spare, own_pools, ragged, uneven
) -> None:
    torch.manual_seed(seed)
    per_pool, pools = top_k + spare, routers if own_pools else 1
    noise = torch.rand(routers, tokens, per_pool)
    chosen = (noise + uneven * torch.arange(per_pool)).topk(top_k).indices
    rows = arrange(chosen, pools=pools, per_pool=per_pool, ragged=ragged)
    places = []
    for expert in range(pools * per_pool):
        pool, number = divmod(expert, per_pool)
        own = [pool] if pools > 1 else range(routers)
        readers = [(r, n) for r in own for n in range(tokens) if number in chosen[r, n]]
        if rows.ends is None:
            first = expert * (len(rows.token) // rows.experts)
        else:
            first = len(places)
            assert rows.ends[expert] == first + len(readers)
        for place, (r, n) in enumerate(readers, first):
            choice = chosen[r, n].tolist().index(number)
            assert rows.slot[r, n, choice] == place
            assert rows.token[place] == r * tokens + n
            places.append(place)
    assert len(places) == len(set(places)) == chosen.numel()
    if rows.ends is not None:
        assert ragged and len(rows.token) == chosen.numel()


@pytest.mark.parametrize("design", DESIGNS)
def test_experts_of_very_unequal_shares_take_ragged_rows(design: str) -> None:
    moe = make_moe(design, "linear", width=4, experts=12, top_k=2, hidden=8).eval().float()
    with torch.no_grad():
        moe.router.gate_weight[..., 2:] += 50  # far away, so that two experts take all tokens
    x = [torch.randn(40, 4) for _ in range(3)]
    routing = moe.router(moe.inputs(x))
    pools, per_pool = moe.experts.pools, moe.experts.per_pool
    rows = arrange(routing.experts, pools=pools, per_pool=per_pool, ragged=True)
    assert rows.ends is not None
    ours = outcome(moe, x, lambda leaves: moe(leaves)[0])
    reference = outcome(moe, x, lambda leaves: plain_mixture(moe, leaves))
    assert (ours[-4][2] == 0).all()  # no gradient for an expert without tokens
    for a, b in zip(ours, reference, strict=True):
        assert (a - b).abs().max() <= 1e-5 * b.abs().max()


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("top_k", [1, 5])
def test_one_expert_or_all_of_them(top_k: int, output: str) -> None:
    moe = make_moe("joint", output, experts=5, top_k=top_k).eval()
    x = [torch.randn(6, 4).double() for _ in range(3)]
    ours = outcome(moe, x, lambda leaves: moe(leaves)[0])
    assert_same(ours, outcome(moe, x, lambda leaves: plain_mixture(moe, leaves)))


@pytest.mark.parametrize("output", OUTPUTS)
def test_dropout_has_the_gradient_of_its_own_draw(output: str) -> None:
    moe = make_moe("per_modality", output, width=2, experts=3, hidden=4)
    moe.router.draw = torch.zeros_like
    moe.experts.dropout = Dropout(0.4)
    x = [torch.randn(3, 2).double().requires_grad_() for _ in range(3)]

    def mixture(*values: Tensor) -> Tensor:
        torch.manual_seed(0)
        return moe(list(values[:3]))[0]

    assert torch.autograd.gradcheck(mixture, (*x, *moe.experts.parameters()))
    moe.eval()
    without = moe(x)[0]
    moe.train()
    assert not torch.allclose(mixture(*x), without)


@pytest.mark.parametrize("output", OUTPUTS)
def test_dropout_of_the_hidden_layer_leaves_the_mean(output: str) -> None:
    torch.manual_seed(0)
    moe = make_moe("joint", output, modalities=1, experts=2, top_k=2)
    moe.router.draw = torch.zeros_like
    moe.experts.dropout = Dropout(0.4)
    x = torch.randn(1, 4).double()
    draws = moe([x.expand(20_000, -1)])[0]
    probabilities = draws.exp() if output == "log_softmax" else draws
    exact = moe.eval()([x])[0][0]
    if output == "linear":
        error = probabilities.std(0) / 20_000**0.5
        assert ((probabilities.mean(0) - exact).abs() < 5 * error).all()
    else:
        assert torch.allclose(probabilities.sum(1), torch.ones(()).double())
    assert draws.std(0).min() > 0.01


def test_a_part_of_the_outputs_is_the_cut_of_all() -> None:
    moe = make_moe("joint", "linear").eval()
    x = [torch.randn(6, 4).double() for _ in range(3)]

    def cut_after(leaves: list[Tensor]) -> Tensor:
        return moe(leaves)[0][:, 3:8]

    def cut_before(leaves: list[Tensor]) -> Tensor:
        tokens = moe.inputs(leaves)
        return moe.experts(tokens, moe.router(tokens), lambda outputs: outputs[..., 3:8])

    assert_same(outcome(moe, x, cut_before), outcome(moe, x, cut_after))


@pytest.mark.parametrize(
    ("modalities", "design", "millions"),
    [
        (2, "joint", 604.6),
        (3, "joint", 906.9),
        (4, "joint", 1209.2),
        (2, "per_modality", 453.6),
        (3, "per_modality", 604.9),
        (4, "per_modality", 756.2),
        (2, "disjoint", 453.6),
        (3, "disjoint", 567.1),
        (4, "disjoint", 756.2),
    ],
)
def test_published_sizes_have_the_published_number_of_parameters(
    modalities: int, design: str, millions: float
) -> None:
    with torch.device("meta"):
        moe = SparseMoE(
            design=design,
            modalities=modalities,
            input_width=48 * 128 * (modalities if design == "joint" else 1),
            output_width=48 * 128 * modalities,
            gate="laplace",
            experts=16,
            top_k=2,
            hidden=512,
            dropout=0.1,
        )
    layers = 3
    found = layers * sum(p.numel() for p in moe.experts.parameters()) / 1e6
    assert round(found, 1) == millions
