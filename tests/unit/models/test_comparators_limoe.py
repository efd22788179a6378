"""LIMoE: masked attention, mixture, losses, pooling."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from scipy.stats import entropy
from torch import Tensor, nn

from fleximodal.methods.comparator_settings import LIMoESettings
from fleximodal.models.balance import balance_loss
from fleximodal.models.limoe import LIMoEFusion
from fleximodal.models.limoe_losses import modality_entropy_loss, z_loss
from fleximodal.models.limoe_mixture import TokenMixture
from fleximodal.models.masked_attention import MaskedAttention, readable
from tests.unit.models.comparator_cases import WIDTH, presence, small_fusion, streams


def limoe(**changes: object) -> LIMoEFusion:
    fusion = small_fusion("LIMoE", 3, **changes)
    assert isinstance(fusion, LIMoEFusion)
    return fusion


def mixture(top_k: int = 2, **changes: object) -> TokenMixture:
    torch.manual_seed(0)
    settings: dict[str, object] = {
        "modalities": 3,
        "width": WIDTH,
        "experts": 5,
        "top_k": top_k,
        "hidden": 12,
        "dropout": 0.0,
        "classic_coef": 0.3,
        "modality_entropy_coef": 0.7,
        "min_experts": 2.0,
    }
    return TokenMixture(**(settings | changes)).double()  # type: ignore[arg-type]


def tokens() -> tuple[Tensor, Tensor]:
    """Return tokens (B, 3 * 4, width) and which of them are there."""
    return torch.cat(streams(3), dim=1), presence(3).T.repeat_interleave(4, dim=1)


def test_masked_attention_is_that_of_each_stay_cut_to_its_tokens() -> None:
    torch.manual_seed(0)
    attention = MaskedAttention(width=WIDTH, heads=2, dropout=0.0).double()
    x, there = tokens()
    found = attention(x, there)
    for stay in range(len(x)):
        for query in range(x.shape[1]):
            rows = [
                a @ x[stay].T + b[:, None]
                for a, b in zip(
                    attention.input.weight.chunk(3), attention.input.bias.chunk(3), strict=True
                )
            ]
            heads = []
            for head in range(2):
                q, k, v = (row[head * 4 : head * 4 + 4].T for row in rows)
                k, v = k[there[stay]], v[there[stay]]
                scores = torch.stack([q[query] @ one for one in k]) / math.sqrt(4)
                heads.append((scores.exp() / scores.exp().sum()) @ v)
            expected = attention.output(torch.cat(heads))
            assert torch.allclose(found[stay, query], expected)


def test_masked_attention_in_training_and_in_evaluation_agree() -> None:
    """At a rate so small that under this seed nothing is dropped."""
    torch.manual_seed(0)
    attention = MaskedAttention(width=WIDTH, heads=2, dropout=2**-15).double()
    assert attention.dropout.active
    x, there = tokens()
    torch.manual_seed(1)
    found, rate = attention(x, there), attention.dropout.rate
    assert torch.allclose(found, attention.eval()(x, there), atol=10 * rate)


def test_a_stay_that_has_nothing_is_read_as_if_it_had_all() -> None:
    present = torch.tensor([[True, False, False], [False, False, True]])
    assert readable(present).tolist() == [[True, True, False], [False, True, True]]


@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_mixture_is_the_plain_sum_over_experts_kept(top_k: int) -> None:
    module = mixture(top_k).eval()
    x, there = tokens()
    found = module(x, there).tokens
    experts = module.experts
    for stay in range(len(x)):
        for place in range(x.shape[1]):
            token = x[stay, place]
            if not there[stay, place]:
                assert torch.equal(found[stay, place], token)
                continue
            normed = F.layer_norm(token, (WIDTH,))
            likely = (normed @ module.router.gate_weight[0]).softmax(0)
            expected = token.clone()
            for number in likely.argsort(descending=True)[:top_k].tolist():
                hidden = F.gelu(experts.weight1[number] @ normed + experts.bias1[number])
                output = hidden @ experts.weight2[number] + experts.bias2[number]
                expected = expected + likely[number] * output
            assert torch.allclose(found[stay, place], expected)


def test_noise_decides_in_training_alone() -> None:
    module = mixture()
    x, there = tokens()
    torch.manual_seed(1)
    first = module(x, there).tokens
    assert not torch.equal(first, module(x, there).tokens)
    module.eval()
    assert torch.equal(module(x, there).tokens, module(x, there).tokens)


def test_losses_are_those_of_the_tokens_that_are_there() -> None:
    module = mixture().eval()
    x, there = tokens()
    result = module(x, there)
    clean = (module.norm(x) @ module.router.gate_weight[0])[there]
    routing = module.router(module.norm(x)[there][None])
    assert result.losses["balance"].item() == pytest.approx(0.3 * balance_loss(routing).item())
    lse = [math.log(sum(math.exp(v) for v in row)) for row in clean.tolist()]
    assert result.losses["z"].item() == pytest.approx(0.3 * np.square(lse).mean())
    probabilities = np.exp(clean.detach().numpy())
    probabilities /= probabilities.sum(1, keepdims=True)
    place = np.broadcast_to(np.arange(12) // 4, there.shape)[there.numpy()]
    each = []
    for m in range(3):
        own = probabilities[place == m]
        local = np.mean([entropy(row) for row in own])
        each.append(local + max(0.0, math.log(2.0) - entropy(own.mean(0))))
    assert result.losses["entropy"].item() == pytest.approx(0.7 * np.mean(each))
    assert result.use is not None
    assert torch.allclose(result.use, routing.gates[0].mean(0))


def test_coefficients_of_zero_leave_losses_out() -> None:
    result = mixture(classic_coef=0.0, modality_entropy_coef=0.0)(*tokens())
    assert result.losses == {}


class TestEntropyLoss:
    def test_sure_tokens_on_enough_experts_cost_nothing(self) -> None:
        probabilities = torch.eye(4).double()
        modality = torch.tensor([0, 0, 1, 1])
        loss = modality_entropy_loss(probabilities, modality, modalities=2, min_experts=2)
        assert loss.item() == pytest.approx(0.0, abs=1e-12)

    def test_sure_tokens_on_one_expert_cost_the_threshold(self) -> None:
        probabilities = torch.eye(4).double()[[0, 0, 1, 1]]
        modality = torch.tensor([0, 0, 1, 1])
        loss = modality_entropy_loss(probabilities, modality, modalities=2, min_experts=3)
        assert loss.item() == pytest.approx(math.log(3))

    def test_unsure_tokens_cost_their_entropy(self) -> None:
        probabilities = torch.full((5, 4), 0.25).double()
        loss = modality_entropy_loss(
            probabilities, torch.zeros(5, dtype=torch.long), modalities=3, min_experts=4
        )
        assert loss.item() == pytest.approx(math.log(4))

    def test_order_of_tokens_does_not_matter(self) -> None:
        torch.manual_seed(0)
        probabilities, modality = torch.randn(9, 4).softmax(-1), torch.arange(9) % 3
        order = torch.randperm(9)
        values = [
            modality_entropy_loss(p, m, modalities=3, min_experts=4)
            for p, m in [(probabilities, modality), (probabilities[order], modality[order])]
        ]
        assert torch.allclose(*values)


def test_z_loss_of_equal_logits() -> None:
    assert z_loss(torch.zeros(1, 3, 4)).item() == pytest.approx(math.log(4) ** 2)


def test_a_single_expert_kept_still_trains_the_router() -> None:
    module = mixture(1, classic_coef=0.0, modality_entropy_coef=0.0)
    x, there = tokens()
    result = module(x, there)
    (result.tokens * torch.randn_like(x)).sum().backward()
    assert module.router.gate_weight.grad.any()
    assert 0 < result.use.sum() < 1


@pytest.mark.parametrize(
    ("layers", "sparse"), [(1, [True]), (2, [False, True]), (3, [True, False, True])]
)
def test_every_other_layer_is_sparse(layers: int, sparse: list[bool]) -> None:
    fusion = limoe(layers=layers)
    assert [layer.mixture is not None for layer in fusion.layers] == sparse
    routing = fusion(streams(3), presence(3)).routing
    assert list(routing) == [f"layer{n}/joint" for n, one in enumerate(sparse) if one]


def test_losses_of_layers_add_up() -> None:
    fusion = limoe(layers=3).eval()
    found: list[float] = []
    for number in (0, 2):
        fusion.layers[number].mixture.register_forward_hook(
            lambda module, inputs, output: found.append(output.losses["entropy"].item())
        )
    total = fusion(streams(3), presence(3)).auxiliary["entropy"].item()
    assert len(found) == 2 and total == pytest.approx(sum(found))


def test_vector_is_the_mean_of_projected_means_of_modalities_there() -> None:
    fusion = limoe(layers=1).eval()
    x, present = streams(3), presence(3)
    final: list[Tensor] = []
    fusion.norm.register_forward_hook(lambda module, inputs, output: final.append(output))
    vector = fusion(x, present).vector
    for stay in range(6):
        ends = [
            fusion.projections[m](final[0][stay, 4 * m : 4 * m + 4].mean(0))
            for m in range(3)
            if present[m, stay]
        ]
        assert torch.allclose(vector[stay], sum(ends) / len(ends))


def test_modalities_can_be_listed_in_another_order() -> None:
    """With positions and projections listed alike the prediction is the same."""
    fusion, x, present = limoe(layers=2).eval(), streams(3), presence(3)
    before = fusion(x, present).vector
    order = [2, 0, 1]
    table = fusion.positions.table.data.unflatten(0, (3, 4))
    fusion.positions.table.data = table[order].flatten(0, 1)
    fusion.projections = nn.ModuleList(fusion.projections[m] for m in order)
    assert torch.allclose(fusion([x[m] for m in order], present[order]).vector, before)


@pytest.mark.parametrize("wrong", [{"experts": 2, "top_k": 3}, {"experts": 2, "min_experts": 3}])
def test_more_than_there_are_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="more than experts 2"):
        LIMoESettings(**wrong)


def test_threshold_is_the_even_share_unless_set() -> None:
    def least(fusion: LIMoEFusion) -> float:
        return fusion.layers[-1].mixture.min_experts

    assert least(limoe(experts=6)) == 2.0
    assert least(limoe(experts=2)) == 1.0
    assert least(limoe(experts=6, min_experts=4)) == 4.0
