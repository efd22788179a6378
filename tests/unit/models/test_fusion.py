"""Attention, the stack of layers and its steps."""

import math

import pytest
import torch
from torch import Tensor, nn

from fleximodal.models.attention import Attention
from fleximodal.models.cross_attention import CrossAttentionStep
from fleximodal.models.fusion_stack import FusionLayer, FusionStack
from fleximodal.models.mixture_step import MixtureStep
from fleximodal.models.positions import Positions
from fleximodal.models.router_loss import RouterLoss
from fleximodal.models.sparse_moe import SparseMoE

NAMES, STEPS, WIDTH = ("a", "b", "c"), 5, 8
KINDS = [
    "cross",
    *(f"{d}-{t}" for d in ("joint", "per_modality", "disjoint") for t in ("flattened", "per_step")),
    "joint-flattened-log_softmax",
    "joint-flattened-linear-authors_reshape",
    "per_modality-per_step-log_softmax",
]


def make_mixture(
    design: str, token: str, output: str = "linear", flatten: str = "by_sample"
) -> MixtureStep:
    width = WIDTH * (STEPS if token == "flattened" else 1)
    moe = SparseMoE(
        design=design,
        modalities=len(NAMES),
        input_width=width * (len(NAMES) if design == "joint" else 1),
        output_width=width * len(NAMES),
        gate="softmax",
        experts=6,
        top_k=2,
        hidden=7,
        dropout=0.0,
        output=output,
    )
    nn.init.normal_(moe.router.gate_weight)
    return MixtureStep(
        names=NAMES,
        steps=STEPS,
        width=WIDTH,
        moe=moe,
        token=token,
        flatten=flatten,
        loss=RouterLoss(balance_coef=0.01, entropy_coef=0.02, disjoint="balance"),
    )


def make_stack(kind: str, layers: int = 2) -> FusionStack:
    def make_step() -> nn.Module:
        if kind == "cross":
            return CrossAttentionStep(streams=len(NAMES), width=WIDTH, heads=2, dropout=0.0)
        return make_mixture(*kind.split("-"))

    return FusionStack(
        streams=len(NAMES),
        steps=STEPS,
        width=WIDTH,
        heads=2,
        layers=layers,
        dropout=0.0,
        make_step=make_step,
    ).double()


def streams(samples: int = 4) -> list[Tensor]:
    return [torch.randn(samples, STEPS, WIDTH).double() for _ in NAMES]


def test_attention_is_that_of_pytorch() -> None:
    ours = Attention(width=8, heads=2, dropout=0.0)
    reference = nn.MultiheadAttention(8, 2, batch_first=True)
    reference.in_proj_weight, reference.in_proj_bias = ours.input.weight, ours.input.bias
    reference.out_proj.weight, reference.out_proj.bias = ours.output.weight, ours.output.bias
    x, source = torch.randn(3, 5, 8), torch.randn(3, 7, 8)
    assert torch.allclose(ours(x), reference(x, x, x)[0], atol=1e-6)
    assert torch.allclose(ours(x, source), reference(x, source, source)[0], atol=1e-6)


def test_attention_with_dropout_has_the_mean_without() -> None:
    torch.manual_seed(0)
    module = Attention(width=8, heads=2, dropout=0.3)
    x = torch.randn(1, 5, 8)
    draws = module(x.expand(4000, -1, -1))
    assert draws.std(0).min() > 0.01
    assert (draws.mean(0) - module.eval()(x)).abs().max() < 0.03


def test_published_cross_attention_layer_has_the_published_number_of_parameters() -> None:
    step = CrossAttentionStep(streams=2, width=128, heads=8, dropout=0.1)
    layer = FusionLayer(streams=2, width=128, heads=8, dropout=0.1, step=step)
    assert sum(p.numel() for p in layer.parameters()) == 529_152


def test_positions_are_added_to_the_scaled_sequence() -> None:
    module = Positions(steps=5, width=9, dropout=0.0)
    x = torch.randn(2, 5, 9)
    assert torch.allclose(module(x), 3 * x + module.table)
    module(x).sum().backward()
    assert (module.table.grad != 0).all()
    frozen = Positions(steps=5, width=9, dropout=0.0, freeze_first=True)
    frozen(x).sum().backward()
    assert (frozen.table.grad[0] == 0).all() and (frozen.table.grad[1:] != 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_out_what_nothing_reads_changes_nothing(kind: str) -> None:
    stack = make_stack(kind).eval()
    x = streams()
    found = []
    for last_only in (False, True):
        stack.zero_grad()
        sequences, auxiliary, routing = stack.sequences(x, last_only=last_only)
        vector = torch.cat([s[:, -1] for s in sequences], -1)
        weights = torch.linspace(-1, 1, vector.numel()).double().view(vector.shape)
        ((vector * weights).sum() + sum(auxiliary.values())).backward()
        gradients = {n: p.grad for n, p in stack.named_parameters() if p.grad is not None}
        found.append((vector, auxiliary, routing, gradients))
    (full, *full_rest), (short, *short_rest) = found
    assert torch.allclose(full, short)
    assert torch.equal(stack(x).vector, short)
    for whole, cut in zip(full_rest, short_rest, strict=True):
        assert whole.keys() == cut.keys()
        assert all(torch.allclose(whole[name], cut[name], atol=1e-12) for name in whole)


@pytest.mark.parametrize("kind", [k for k in KINDS if "authors" not in k])
def test_samples_do_not_meet(kind: str) -> None:
    stack = make_stack(kind).eval()
    x = streams()
    whole = stack(x).vector
    for sample in range(4):
        alone = stack([s[sample : sample + 1] for s in x]).vector
        assert torch.allclose(alone[0], whole[sample])


def test_authors_reshape_mixes_samples() -> None:
    stack = make_stack("joint-flattened-linear-authors_reshape").eval()
    x = streams()
    assert not torch.allclose(stack([s[:1] for s in x]).vector[0], stack(x).vector[0])


@pytest.mark.parametrize("design", ["joint", "per_modality", "disjoint"])
def test_tokens_are_cut_and_put_back_by_definition(design: str) -> None:
    u = streams()
    flat, each = (
        make_mixture(design, token).double().eval() for token in ("flattened", "per_step")
    )
    found = flat(u, False).changes
    mixed, _ = flat.moe([x.reshape(4, STEPS * WIDTH) for x in u])
    for m, change in enumerate(found):
        piece = mixed[:, m * STEPS * WIDTH : (m + 1) * STEPS * WIDTH]
        assert torch.allclose(change, piece.view(4, STEPS, WIDTH))
    found = each(u, False).changes
    for b in range(4):
        for t in range(STEPS):
            mixed, _ = each.moe([x[b, t][None] for x in u])
            for m, change in enumerate(found):
                assert torch.allclose(change[b, t], mixed[0, m * WIDTH : (m + 1) * WIDTH])


def test_each_design_has_its_loss_and_its_routers() -> None:
    expected = {"joint": "balance", "disjoint": "balance", "per_modality": "entropy"}
    for design, loss in expected.items():
        fused = make_stack(f"{design}-flattened")(streams())
        assert list(fused.auxiliary) == [loss]
        routers = ["joint"] if design == "joint" else list(NAMES)
        assert list(fused.routing) == [f"layer{n}/{r}" for n in range(2) for r in routers]
        for use in fused.routing.values():
            assert math.isclose(use.sum().item(), 1.0) and not use.requires_grad


def test_losses_are_summed_over_layers() -> None:
    stack, x = make_stack("joint-per_step").eval(), streams()
    seen: list[Tensor] = []
    for layer in stack.layers:
        layer.step.register_forward_hook(lambda *a: seen.append(a[2].auxiliary["balance"]))
    assert torch.allclose(stack(x).auxiliary["balance"], seen[0] + seen[1])
