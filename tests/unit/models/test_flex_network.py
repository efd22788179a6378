"""Whole networks of Flex-MoE from settings."""

import copy
import importlib
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from fleximodal.errors import FleximodalError
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.methods.registry import known_methods
from fleximodal.methods.settings import NetworkSettings
from fleximodal.models.build_flexmoe import build_model
from fleximodal.models.flex_head import LinearHead
from fleximodal.models.flex_layer import FlexLayer, dense_feed_forward
from fleximodal.models.flex_mixture import FlexMixture
from tests.unit.models.flex_batch import (
    COMBINATIONS,
    PRESENT,
    STEPS,
    TABLES,
    make_flexmoe,
    small_flexmoe,
    table_batch,
)
from tests.unit.models.small_batch import SPECS, rows_of, small_batch

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
SWITCHED = {
    "plain": {},
    "as released": {"attention_residual": "self", "layers": 3},
    "separate": {"gate_routers": "separate", "gate_order": "softmax_topk"},
    "forced": {"gate_assignment": "forced", "balance_exclude": "own_top1"},
    "dense": {"feed_forward": "dense", "bank": "per_modality"},
    "zeros": {"bank": "zero_tokens", "specialise": False, "generalise": False},
    "zero input": {"bank": "zero_input", "tabular_encoder": "dense_then_patch"},
    "head": {"prediction_layers": 3, "bank": "observed"},
}


@pytest.fixture(params=SWITCHED)
def settings(request: pytest.FixtureRequest) -> FlexMoESettings:
    return small_flexmoe(**SWITCHED[request.param])


@pytest.mark.parametrize(
    ("modalities", "published"), [(2, 1_129_859), (3, 1_132_291), (4, 1_134_723)]
)
def test_sizes_are_the_published_ones(modalities: int, published: int) -> None:
    """Trunk and head, without encoders and bank."""
    model = build_model(FlexMoESettings(), TABLES[:modalities], 3)
    parts = (model.fusion, model.head)
    assert sum(p.numel() for part in parts for p in part.parameters()) == published
    assert model.time_embedding is None


def test_stays_do_not_see_each_other(settings: FlexMoESettings) -> None:
    model, batch = make_flexmoe(settings).eval(), table_batch()
    logits = model(batch).logits
    assert logits.shape == (5, 3)
    order = torch.tensor([3, 0, 4, 2, 1])
    assert torch.allclose(model(rows_of(batch, order)).logits, logits[order])
    for stay in range(5):
        alone = model(rows_of(batch, torch.tensor([stay]))).logits
        assert torch.allclose(alone[0], logits[stay])


def test_content_of_an_absent_modality_does_not_matter(settings: FlexMoESettings) -> None:
    model, batch = make_flexmoe(settings).eval(), table_batch()
    changed = copy.deepcopy(batch)
    for part in changed.modalities.values():
        part.values[~part.present] = 3.0
    assert torch.equal(model(changed).logits, model(batch).logits)


def test_every_parameter_is_trained_but_unread_cells(settings: FlexMoESettings) -> None:
    model = make_flexmoe(settings).train()
    present = torch.rand(4, 64, generator=torch.Generator().manual_seed(0)) < 0.7
    present[2] |= ~present.any(0)
    model.prepare(present[:, :5])
    batch = table_batch(present)
    output = model(batch)
    (F.cross_entropy(output.logits, batch.labels) + sum(output.auxiliary.values())).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_fast_forms_agree_with_one_module_per_expert(
    settings: FlexMoESettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs and gradients of training, both with the same noise."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    plain = importlib.import_module("plain")
    fast = make_flexmoe(settings).train()
    for module in fast.modules():
        if isinstance(module, FlexMixture):
            for parameter in module.experts.parameters():
                torch.nn.init.normal_(parameter)
    slow = plain.make_plain(copy.deepcopy(fast))
    batch, found = table_batch(), []
    for model in (fast, slow):
        torch.manual_seed(7)
        output = model(batch)
        (F.cross_entropy(output.logits, batch.labels) + sum(output.auxiliary.values())).backward()
        found.append([output.logits, *plain.gradients_of(model)])
    for ours, reference in zip(*found, strict=True):
        assert torch.allclose(ours, reference, rtol=1e-8, atol=1e-12)


def test_every_second_layer_is_sparse_and_reports_its_routing() -> None:
    model = make_flexmoe(small_flexmoe(layers=4)).eval()
    kinds = [isinstance(layer.feed_forward, FlexMixture) for layer in model.fusion.layers]
    assert kinds == [True, False, True, False]
    output = model(table_batch())
    names = [spec.name for spec in TABLES]
    assert list(output.routing) == [f"layer{n}/{name}" for n in (0, 2) for name in names]
    for use in output.routing.values():
        assert use.shape == (16,) and float(use.sum()) == pytest.approx(1)


def test_losses_of_layers_are_added() -> None:
    model = make_flexmoe(small_flexmoe(layers=3)).train()
    seen = []
    for layer in model.fusion.layers:
        layer.register_forward_hook(lambda _, given, result: seen.append(result.losses))
    found = model(table_batch()).auxiliary
    assert found.keys() == {"balance", "assignment"}
    for name, value in found.items():
        assert torch.equal(value, seen[0][name] + seen[2][name])
    assert seen[1] == {}


def test_routing_of_each_token_can_be_traced() -> None:
    model = make_flexmoe(small_flexmoe()).eval()
    seen = []
    for module in model.modules():
        if isinstance(module, FlexMixture):
            module.register_forward_hook(lambda *call: seen.append(call))
    batch = table_batch()
    output = model(batch)
    ((_, (tokens, combination), (mixed, routing)),) = seen
    assert combination.tolist() == COMBINATIONS
    assert tokens.shape == mixed.shape == (4, 5 * STEPS, 8)
    assert routing.experts.shape == (4, 5 * STEPS, 4)
    uses = torch.stack(list(output.routing.values()))
    assert torch.allclose(uses, routing.gates.mean(1))


@pytest.mark.parametrize("residual", ["input", "self"])
def test_h1_a_layer_adds_attention_to_its_input_or_to_itself(residual: str) -> None:
    """In evaluation, the released branch is twice what attention returns."""
    x, combination, seen = torch.randn(5, 4 * STEPS, 8), torch.tensor(COMBINATIONS), []
    layer = FlexLayer(
        modalities=4,
        width=8,
        heads=2,
        dropout=0.5,
        residual=residual,
        feed_forward=dense_feed_forward(8, 0.5),
    ).eval()
    layer.feed_forward_norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    layer(x, combination)
    attended = layer.attention(layer.attention_norm(x))
    wanted = x + attended if residual == "input" else 2 * attended
    assert torch.allclose(seen[0], wanted)


def test_mean_tokens_of_each_modality_reach_the_head() -> None:
    model = make_flexmoe(small_flexmoe()).eval()
    seen = []
    model.fusion.layers[-1].register_forward_hook(lambda _, given, result: seen.append(result))
    streams = model.encode(table_batch())
    vector = model.fusion(streams, PRESENT).vector
    for m, block in enumerate(seen[0].tokens.chunk(4, 1)):
        assert torch.allclose(vector[:, 8 * m : 8 * m + 8], block.mean(1))


def test_heads_of_several_maps() -> None:
    head = LinearHead(input_width=12, hidden=5, outputs=3, layers=3, dropout=0.5).eval()
    shapes = [tuple(m.weight.shape) for m in head if isinstance(m, torch.nn.Linear)]
    assert shapes == [(5, 12), (5, 5), (3, 5)]
    x = torch.randn(2, 12)
    first, second, last = (m for m in head if isinstance(m, torch.nn.Linear))
    assert torch.allclose(head(x), last(second(first(x).relu()).relu()))
    assert len(LinearHead(input_width=12, hidden=5, outputs=3, layers=1, dropout=0.5)) == 1


def test_series_and_items_keep_their_encoders() -> None:
    batch = small_batch()
    model = build_model(small_flexmoe(grid_steps=6), SPECS, 2)
    assert model(batch).logits.isfinite().all()
    assert [type(encoder).__name__ for encoder in model.encoders] == [
        "SeriesEncoder",
        "SeriesEncoder",
        "ItemsEncoder",
    ]
    streams = model.encode(batch)
    assert torch.equal(streams[1][1], model.marker.cells[2, 1])


def test_fewer_experts_than_combinations_are_refused_where_they_are_assigned() -> None:
    with pytest.raises(FleximodalError, match="the 15 combinations of modalities image, genomic"):
        make_flexmoe(small_flexmoe(experts=14))
    with pytest.raises(FleximodalError, match="set experts to 15 or more"):
        make_flexmoe(small_flexmoe(experts=14, specialise=False, gate_assignment="forced"))
    make_flexmoe(small_flexmoe(experts=14, specialise=False))
    make_flexmoe(small_flexmoe(experts=14, feed_forward="dense"))
    make_flexmoe(small_flexmoe(experts=7), TABLES[:3])


def test_keeping_all_experts_is_refused() -> None:
    with pytest.raises(ValidationError, match="top_k 4 is not less than experts 4"):
        FlexMoESettings(experts=4)


NETWORKS = {
    name: method.settings
    for name, method in known_methods().items()
    if isinstance(method.settings, NetworkSettings)
}


def table_settings(name: str) -> NetworkSettings:
    settings = NETWORKS[name]
    small: dict[str, object] = {
        "width": 8,
        "heads": 2,
        "time_width": 8,
        "time_heads": 2,
        "grid_steps": STEPS,
    }
    small |= {"layers": 2, "expert_hidden": 10}
    own = {key: value for key, value in small.items() if key in type(settings).model_fields}
    return type(settings).model_validate(settings.model_dump() | own)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_method_runs_on_tables(name: str) -> None:
    torch.manual_seed(0)
    model = build_model(table_settings(name), TABLES, 3).double()
    batch = table_batch()
    output = model.train()(batch)
    (F.cross_entropy(output.logits, batch.labels) + sum(output.auxiliary.values())).backward()
    assert output.logits.shape == (5, 3)
    assert all(p.grad.any() for p in model.encoders.parameters())
    assert model.time_embedding is None
    changed = copy.deepcopy(batch)
    for part in changed.modalities.values():
        part.values[~part.present] = 3.0
    model.eval()
    assert torch.equal(model(changed).logits, model(batch).logits)
