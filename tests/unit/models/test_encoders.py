"""Time embedding, series and items."""

import pytest
import torch

from fleximodal.models.items import ItemsEncoder, ItemsProjection
from fleximodal.models.time_embedding import TimeEmbedding
from fleximodal.models.utde import GridConvolution, MixGate, SeriesEncoder
from tests.unit.models.small_batch import STEPS, items_part, series_part

PRESENT = torch.ones(3, dtype=torch.bool)
LEVELS = ["batch", "batch_seq", "batch_seq_feature"]


def make_encoder(**options) -> SeriesEncoder:
    return SeriesEncoder(
        channels=4, width=6, time_width=8, time_heads=2, dropout=0.0, **options
    ).eval()


def test_time_embedding_is_one_line_and_sines() -> None:
    module = TimeEmbedding(5)
    time = torch.rand(2, 3)
    found = module(time)
    assert torch.allclose(found[..., 0], time * module.linear.weight[0, 0] + module.linear.bias)
    for unit in range(4):
        weight, bias = module.periodic.weight[unit, 0], module.periodic.bias[unit]
        assert torch.allclose(found[..., unit + 1], torch.sin(weight * time + bias))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("bias", "branch"), [(50.0, "irregular"), (-50.0, "regular")])
def test_gate_forced_open_or_shut_gives_one_branch(level: str, bias: float, branch: str) -> None:
    encoder, time = make_encoder(gate_level=level), TimeEmbedding(8)
    torch.nn.init.zeros_(encoder.gate.output.weight)
    torch.nn.init.constant_(encoder.gate.output.bias, bias)
    series, query = series_part(3, 5, 4, PRESENT), time(torch.linspace(0, 1, STEPS))
    expected = (
        encoder.regular(series.grid)
        if branch == "regular"
        else encoder.irregular(query, time(series.times), series.values, series.mask)
    )
    assert torch.allclose(encoder(series, time, query), expected)


@pytest.mark.parametrize("level", LEVELS)
def test_gate_has_its_granularity(level: str) -> None:
    gate = MixGate(width=6, level=level, dropout=0.0)
    shape = {"batch": (3, 1, 1), "batch_seq": (3, 5, 1), "batch_seq_feature": (3, 5, 6)}[level]
    weights = gate(torch.randn(3, 5, 6), torch.randn(3, 5, 6))
    assert weights.shape == shape
    assert ((weights > 0) & (weights < 1)).all()


def test_published_gate_has_33025_parameters() -> None:
    gate = MixGate(width=128, level="batch", dropout=0.1)
    assert sum(p.numel() for p in gate.parameters()) == 33_025


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_causal_convolution_sees_no_later_point(kernel: int) -> None:
    module = GridConvolution(channels=2, width=3, kernel=kernel, padding="causal")
    grid = torch.randn(2, 7, 4)
    changed = grid.clone()
    changed[:, 4:] = torch.randn(2, 3, 4)
    before, after = module(grid), module(changed)
    assert before.shape == (2, 7, 3)
    assert torch.allclose(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4], after[:, 4])
    late = torch.zeros(1, 7, 4)
    late[0, 2] = 1
    reach = module(late).abs().sum(-1)[0].nonzero().flatten()
    assert reach.tolist() == list(range(2, min(7, 2 + kernel)))


def test_symmetric_convolution_sees_later_points() -> None:
    module = GridConvolution(channels=2, width=3, kernel=3, padding="symmetric")
    pulse = torch.zeros(1, 7, 4)
    pulse[0, 3] = 1
    assert module(pulse).abs().sum(-1)[0].nonzero().flatten().tolist() == [2, 3, 4]


def test_regular_branch_alone_needs_no_time() -> None:
    encoder = make_encoder(branches="regular")
    series = series_part(3, 5, 4, PRESENT)
    expected = encoder(series, None, None)
    series.values, series.times = torch.randn(3, 5, 4), torch.rand(3, 5)
    assert torch.equal(encoder(series, None, None), expected)


def test_items_are_attended_over_time() -> None:
    time = TimeEmbedding(8)
    encoder = ItemsEncoder(features=7, width=6, time_width=8, time_heads=2, dropout=0.0)
    items, query = items_part(3, 4, 7, PRESENT), time(torch.linspace(0, 1, STEPS))
    expected = encoder(items, time, query)
    assert expected.shape == (3, STEPS, 6)
    for part in ("values", "times"):
        changed = getattr(items, part).clone()
        changed[items.mask == 0] = 9.0
        setattr(items, part, changed)
    assert torch.allclose(encoder(items, time, query), expected)


def test_projected_items_are_averaged_over_real_ones() -> None:
    module = ItemsProjection(features=7, width=6, steps=STEPS)
    items = items_part(3, 4, 7, torch.tensor([True, True, False]))
    found = module(items, None, None)
    for b in range(3):
        real = items.values[b][items.mask[b] > 0]
        mean = real.mean(0) if len(real) else torch.zeros(7)
        expected = (module.projection.weight @ mean).expand(STEPS, 6)
        assert torch.allclose(found[b], expected, atol=1e-6)
