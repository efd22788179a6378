import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fleximodal.models.channel_means import channel_means
from fleximodal.models.mtand import MultiTimeAttention


def make_attention(value_width: int, *, append_mask: bool = False) -> MultiTimeAttention:
    return MultiTimeAttention(
        time_width=8,
        value_width=value_width,
        width=6,
        heads=2,
        dropout=0.0,
        append_mask=append_mask,
    ).double()


def brute_force(
    module: MultiTimeAttention, query: Tensor, key: Tensor, value: Tensor, mask: Tensor
) -> Tensor:
    """Return one softmax per sample, head, grid point and channel; the mask is (B, L, D)."""
    queries, keys = module.query(query), module.key(key)
    width = queries.shape[-1] // module.heads
    batch, _, channels = value.shape
    result = torch.empty(batch, len(query), module.heads * channels, dtype=value.dtype)
    for h in range(module.heads):
        part = slice(h * width, (h + 1) * width)
        for b in range(batch):
            for q in range(len(query)):
                scores = keys[b, :, part] @ queries[q, part] / math.sqrt(width)
                for c in range(channels):
                    seen = scores.where(mask[b, :, c] > 0, torch.tensor(-1e4).double())
                    result[b, q, h * channels + c] = seen.softmax(0) @ value[b, :, c]
    return module.output(result)


def inputs(batch: int, rows: int, channels: int, steps: int = 3) -> list[Tensor]:
    query, key = torch.randn(steps, 8), torch.randn(batch, rows, 8)
    value = torch.randn(batch, rows, channels)
    return [x.double() for x in (query, key, value)]


def gradients(result: Tensor, module: MultiTimeAttention, leaves: list[Tensor]) -> list[Tensor]:
    weights = torch.linspace(-1, 1, result.numel(), dtype=result.dtype).view(result.shape)
    return list(
        torch.autograd.grad(
            (result * weights).sum(), [*leaves, *module.parameters()], materialize_grads=True
        )
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    batch=st.integers(1, 3),
    rows=st.integers(1, 6),
    channels=st.integers(1, 4),
    density=st.sampled_from([0.1, 0.5, 1.0]),
)
def test_factored_form_is_one_softmax_per_channel(seed, batch, rows, channels, density) -> None:
    torch.manual_seed(seed)
    module = make_attention(channels)
    leaves = [x.requires_grad_() for x in inputs(batch, rows, channels)]
    mask = (torch.rand(batch, rows, channels) < density).double()
    ours, reference = module(*leaves, mask), brute_force(module, *leaves, mask)
    assert torch.allclose(ours, reference)
    for a, b in zip(
        gradients(ours, module, leaves), gradients(reference, module, leaves), strict=True
    ):
        assert torch.allclose(a, b, atol=1e-10)


def test_channel_seen_only_where_scores_are_far_below_the_maximum() -> None:
    module = make_attention(2)
    query, key, value = inputs(2, 3, 2)
    key[0, 0] *= 1e4  # sample 0: row 0 takes all weight, for some grid points and heads
    mask = torch.ones(2, 3, 2).double()
    mask[0, 0, 1] = 0
    leaves = [x.requires_grad_() for x in (query, key, value)]
    ours, reference = module(*leaves, mask), brute_force(module, *leaves, mask)
    assert torch.allclose(ours, reference)
    for a, b in zip(
        gradients(ours, module, leaves), gradients(reference, module, leaves), strict=True
    ):
        assert torch.allclose(a, b, atol=1e-9)
    single = module.float()(*(x.detach().float() for x in leaves), mask.float())
    assert torch.allclose(single.double(), ours, atol=1e-3)


def test_appended_mask_is_the_mask_as_further_values_masked_by_itself() -> None:
    ours, explicit = make_attention(4, append_mask=True), make_attention(8)
    explicit.load_state_dict(ours.state_dict())
    query, key, value = inputs(3, 5, 4)
    mask = (torch.rand(3, 5, 4) < 0.4).double()
    mask[0, :, 1] = 0
    value = value * mask
    expected = explicit(query, key, torch.cat([value, mask], -1), torch.cat([mask, mask], -1))
    assert torch.allclose(ours(query, key, value, mask), expected)


@pytest.mark.parametrize("rows", [1, 4])
def test_row_mask_is_the_channel_mask_of_all_channels(rows: int) -> None:
    module = make_attention(4)
    query, key, value = inputs(3, rows, 4)
    mask = (torch.rand(3, rows) < 0.6).double()
    mask[0] = 0
    wide = mask[..., None].expand_as(value)
    assert torch.allclose(
        module(query, key, value, mask), brute_force(module, query, key, value, wide)
    )
    everything = module(query, key, value)
    assert torch.allclose(everything, module(query, key, value, torch.ones_like(mask)))


@pytest.mark.parametrize("append_mask", [False, True])
def test_masked_values_order_and_padding_do_not_matter(append_mask: bool) -> None:
    module = make_attention(4, append_mask=append_mask)
    query, key, value = inputs(3, 5, 4)
    mask = (torch.rand(3, 5, 4) < 0.6).double()
    mask[:, 0] = 1
    expected = module(query, key, value * mask, mask)
    assert torch.allclose(module(query, key, value, mask), expected)
    order = torch.randperm(5)
    shuffled = module(query, key[:, order], (value * mask)[:, order], mask[:, order])
    assert torch.allclose(shuffled, expected)
    padded = [torch.cat([x, torch.zeros(3, 7, x.shape[2])], 1) for x in (key, value * mask, mask)]
    assert torch.allclose(module(query, *padded), expected)


def test_nothing_observed_gives_the_output_bias() -> None:
    module = make_attention(4, append_mask=True)
    query, key, _ = inputs(2, 5, 4)
    nothing = torch.zeros(2, 5, 4).double()
    found = module(query, key, nothing, nothing)
    assert torch.allclose(found, module.output.bias.expand_as(found))


def test_a_single_observation_is_constant_over_the_grid() -> None:
    module = make_attention(1)
    query, key, value = inputs(1, 4, 1)
    mask = torch.zeros(1, 4, 1).double()
    mask[0, 2] = 1
    found = module(query, key, value, mask)
    expected = module.output(value[0, 2].expand(2))
    assert torch.allclose(found, expected.expand_as(found))


def test_dropout_leaves_the_mean_and_the_mask_columns() -> None:
    torch.manual_seed(0)
    module = MultiTimeAttention(
        time_width=8, value_width=2, width=6, heads=2, dropout=0.3, append_mask=True
    )
    query, key, value = (x.float() for x in inputs(1, 5, 2))
    mask = torch.ones(1, 5, 2)
    many = [x.expand(4000, -1, -1) for x in (key, value, mask)]
    draws = module(query, *many)
    assert draws.std(0).min() > 0.01
    assert (draws.mean(0) - module.eval()(query, key, value, mask)).abs().max() < 0.05
    zeros = module.train()(query, key, torch.zeros_like(value), mask)
    assert torch.equal(zeros, module.eval()(query, key, torch.zeros_like(value), mask))


def test_dropout_has_the_gradient_of_its_own_draw() -> None:
    queries, keys = torch.randn(2, 3, 4).double(), torch.randn(2, 2, 5, 4).double()
    value, mask = torch.randn(2, 5, 3).double(), (torch.rand(2, 5, 3) < 0.6).double()
    mask[0, :, 1] = 0
    kept = (torch.rand(2, 6, 5) < 0.7).double()
    leaves = [x.requires_grad_() for x in (queries, keys, value)]
    assert torch.autograd.gradcheck(
        lambda *x: channel_means(*x, mask, kept, 1 / 0.7)[0], tuple(leaves)
    )
    assert torch.equal(
        channel_means(*leaves, mask)[0],
        channel_means(*leaves, mask, torch.ones_like(kept))[0],
    )


@pytest.mark.parametrize(
    ("value_width", "append_mask", "expected"),
    [(30, True, 61_568), (768, False, 786_560), (1024, False, 1_048_704), (256, False, 262_272)],
)
def test_published_number_of_parameters(value_width, append_mask, expected) -> None:
    module = MultiTimeAttention(
        time_width=64,
        value_width=value_width,
        width=128,
        heads=8,
        dropout=0.1,
        append_mask=append_mask,
    )
    projections = [*module.query.parameters(), *module.key.parameters()]
    assert sum(p.numel() for p in projections) == 8_320
    assert sum(p.numel() for p in module.output.parameters()) == expected
