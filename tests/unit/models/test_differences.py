"""Each switch between paper and released code, shown by what it does to a network."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fleximodal.dataset.batch import Batch
from fleximodal.methods.baseline_settings import MAGSettings
from fleximodal.methods.differences import DIFFERENCES
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.methods.registry import known_methods
from fleximodal.methods.settings import NetworkSettings
from fleximodal.methods.variants import parse_variant, with_variant
from fleximodal.models.build import build_model
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.multimodal import MultimodalModel
from fleximodal.training.functions import load_function
from tests.unit.models.flex_batch import make_flexmoe, small_flexmoe, table_batch
from tests.unit.models.small_batch import (
    SPECS,
    STEPS,
    items_part,
    rows_of,
    series_part,
    small_batch,
    small_concat,
    small_fusemoe,
)

FOUR = (
    ModalitySpec("vitals", "series", 4),
    ModalitySpec("notes", "items", 3),
    ModalitySpec("cxr", "items", 5),
    ModalitySpec("ecg", "items", 2),
)


def in_variant(settings: NetworkSettings, text: str) -> NetworkSettings:
    found = with_variant(settings, parse_variant(text))
    assert isinstance(found, NetworkSettings)
    return found


def network(settings: NetworkSettings, specs: tuple[ModalitySpec, ...] = SPECS) -> MultimodalModel:
    """Return a network with routers that tell tokens apart."""
    torch.manual_seed(0)
    model = build_model(settings, specs, 2).double()
    for name, parameter in model.named_parameters():
        if name.endswith("router.gate_weight"):
            torch.nn.init.normal_(parameter)
    return model


def double(batch: Batch) -> Batch:
    for part in batch.modalities.values():
        for name, value in vars(part).items():
            if value.is_floating_point():
                setattr(part, name, value.double())
    return batch


def both_sides(identifier: str, **settings: object) -> tuple[NetworkSettings, NetworkSettings]:
    own = small_fusemoe(**settings)
    return own, in_variant(own, f"paper+{identifier}")


def moe_of(model: MultimodalModel):
    return model.fusion.layers[0].step.moe


@pytest.mark.parametrize(
    ("identifier", "router", "loss"),
    [("K-1", "joint", "balance"), ("K-2", "per_modality", "entropy")],
)
def test_k1_k2_a_loss_is_there_or_not(identifier: str, router: str, loss: str) -> None:
    paper, released = both_sides(identifier, router=router)
    batch = double(small_batch())
    auxiliary = network(paper).train()(batch).auxiliary
    assert list(auxiliary) == [loss] and auxiliary[loss] != 0
    assert network(released).train()(batch).auxiliary == {}


def test_k3_released_mixtures_are_logarithms_of_distributions() -> None:
    for settings, sums_to_one in zip(both_sides("K-3", router="joint"), (False, True), strict=True):
        model = network(settings).eval()
        mixed, _ = moe_of(model)([torch.randn(4, STEPS * 8).double() for _ in SPECS])
        assert torch.allclose(mixed.exp().sum(-1), torch.ones(4).double()) is sums_to_one


def test_k3_gradients_are_finite_where_probabilities_almost_vanish() -> None:
    settings = in_variant(small_fusemoe(), "paper+K-3")
    moe = moe_of(network(settings)).float()
    with torch.no_grad():
        moe.experts.bias2.copy_(torch.linspace(-120, 0, moe.experts.bias2.shape[1]))
    mixed, _ = moe([torch.randn(4, STEPS * 8) for _ in SPECS])
    mixed.sum().backward()
    assert mixed.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in moe.parameters())


def test_k4_evaluation_twice_gives_the_same_scores_without_noise_alone() -> None:
    batch = double(small_batch())
    for settings, repeats in zip(both_sides("K-4"), (True, False), strict=True):
        model = network(settings).eval()
        assert torch.equal(model(batch).logits, model(batch).logits) is repeats


@pytest.mark.parametrize("router", ["joint", "per_modality", "disjoint"])
def test_k6_permuting_a_batch_permutes_the_outputs_by_sample_alone(router: str) -> None:
    batch = double(small_batch(samples=8))
    order = torch.tensor([3, 0, 4, 2, 1, 7, 5, 6])
    for settings, invariant in zip(both_sides("K-6", router=router), (True, False), strict=True):
        model = network(settings).eval()
        logits = model(batch).logits
        found = model(rows_of(batch, order)).logits
        assert torch.allclose(found, logits[order]) is invariant


@pytest.mark.parametrize("training", [True, False])
def test_k6_stays_are_mixed_within_micro_batches_alone(training: bool) -> None:
    """A batch gives what its micro-batches of the released code give one after the other."""
    sizes = {"micro_batch": 2, "eval_micro_batch": 4}
    settings = in_variant(small_fusemoe(**sizes), "paper+K-6")
    model = network(settings).train(training)
    for layer in model.fusion.layers:
        layer.step.moe.router.draw = torch.zeros_like
    batch = double(small_batch(samples=7))
    logits = model(batch).logits
    parts = torch.arange(7).split(2 if training else 4)
    apart = torch.cat([model(rows_of(batch, part)).logits for part in parts])
    assert torch.allclose(logits, apart)
    alone = model(rows_of(batch, torch.tensor([0]))).logits
    assert not torch.allclose(logits[0], alone[0])


def test_k7_every_router_parameter_is_trained_unless_it_is_not_registered() -> None:
    batch = double(small_batch(samples=12))
    for settings, registered in zip(both_sides("K-7"), (True, False), strict=True):
        model = network(settings).train()
        output = model(batch)
        loss = F.cross_entropy(output.logits, batch.labels) + sum(output.auxiliary.values())
        loss.backward()
        router = moe_of(model).router
        for matrix in (router.gate_weight, router.noise_weight):
            assert (matrix.grad is not None and bool(matrix.grad.any())) is registered
        saved = [name for name in model.state_dict() if ".router." in name]
        assert bool(saved) is registered
        assert any(p is router.gate_weight for p in model.parameters()) is registered


def test_k7_noise_alone_decides_for_every_gate() -> None:
    x, chosen = torch.randn(len(SPECS), 50, STEPS * 8).double(), []
    for gate in ("softmax", "gaussian", "laplace"):
        settings = small_fusemoe(gate=gate, register_router=False)
        router = moe_of(network(settings)).router.train()
        torch.manual_seed(3)
        chosen.append(router(x).gates)
    assert torch.equal(chosen[0], chosen[1]) and torch.equal(chosen[0], chosen[2])
    joint = moe_of(network(small_fusemoe(router="joint", register_router=False)))
    assert "router.gate_weight" in joint.state_dict()


@pytest.mark.parametrize("missing", ["learned_seq", "learned_vec", "zero", "zero_plus_type"])
def test_k8_what_stands_in_for_an_absent_modality(missing: str) -> None:
    model, batch = network(small_fusemoe(missing_embedding=missing)), double(small_batch())
    stand_in = model.encode(batch)[2][2]
    assert not batch.modalities["notes"].present[2]
    same_everywhere = bool((stand_in == stand_in[0]).all())
    assert same_everywhere is (missing != "learned_seq")
    if missing.startswith("learned"):
        assert torch.equal(stand_in, model.marker.absent[2].expand(STEPS, -1))
        stand_in.sum().backward()
        assert model.marker.absent.grad[2].all() and not model.marker.absent.grad[:2].any()
    else:
        assert model.marker.absent is None
        assert torch.equal(stand_in[0], (missing == "zero_plus_type") * model.marker.types[2])


def test_k8_released_pairs_do_not_know_what_is_absent() -> None:
    batch, settings = double(small_batch()), in_variant(small_fusemoe(), "released")
    pair = (SPECS[2], SPECS[0])
    model = network(settings, pair).eval()
    found = model.encode(batch)[0][2]
    nothing = model.encoders[0].attention.output.bias + model.marker.types[0]
    assert torch.allclose(found, nothing.expand(STEPS, -1))
    assert (network(settings).encode(batch)[2][2] == 0).all()
    told = network(in_variant(small_fusemoe(), "paper"), pair)
    assert torch.equal(told.encode(batch)[0][2], told.marker.absent[0])


def four_modalities(ecg_present: Tensor) -> Batch:
    torch.manual_seed(1)
    stays = len(ecg_present)
    there = torch.ones(stays, dtype=torch.bool)
    parts = {
        spec.name: items_part(stays, 3, spec.size, ecg_present if spec.name == "ecg" else there)
        for spec in FOUR[1:]
    }
    vitals = series_part(stays, 5, 4, there)
    return double(Batch({"vitals": vitals, **parts}, torch.zeros(stays).long(), there))


def test_k9_ecgs_take_the_type_of_notes_in_micro_batches_that_lack_one() -> None:
    present = torch.tensor([True, False, True, True, True])
    paper, released = both_sides("K-9")
    released = released.model_copy(update={"eval_micro_batch": 2})
    batch = four_modalities(present)
    own = network(paper, FOUR).eval()
    borrowed = network(released, FOUR).eval()
    types = own.marker.types
    shift = borrowed.encode(batch)[3] - own.encode(batch)[3]
    assert torch.allclose(shift[0], (types[1] - types[3]).expand(STEPS, -1))
    assert not shift[1:].any()
    for stream in range(3):
        assert torch.equal(borrowed.encode(batch)[stream], own.encode(batch)[stream])


def test_k11_the_released_gate_is_one_number_per_stay() -> None:
    batch = double(small_batch())
    shapes = []
    for settings in both_sides("K-11"):
        model, seen = network(settings).eval(), []
        model.encoders[0].gate.register_forward_hook(lambda m, i, o, seen=seen: seen.append(o))
        model.encode(batch)
        shapes.append(tuple(seen[0].shape))
    assert shapes == [(5, STEPS, 8), (5, 1, 1)]


@pytest.mark.parametrize("make", [small_fusemoe, small_concat])
def test_k12_the_first_position_is_trained_or_not(make) -> None:
    batch = double(small_batch())
    for text, trained in (("paper", True), ("paper+K-12", False)):
        model = network(in_variant(make(), text))
        model(batch).logits.square().sum().backward()
        tables = [p for n, p in model.named_parameters() if n.endswith("positions.table")]
        assert tables
        assert all(bool(table.grad[0].any()) is trained for table in tables)
        assert all(table.grad[1:].any() for table in tables)


def test_k13_a_causal_convolution_does_not_see_later_hours() -> None:
    batch = double(small_batch())
    later = copy.deepcopy(batch)
    later.modalities["vitals"].grid[:, 3:] += 1
    for settings, causal in zip(both_sides("K-13", grid_kernel=3), (True, False), strict=True):
        convolution = network(settings).encoders[0].regular
        before, after = (convolution(b.modalities["vitals"].grid) for b in (batch, later))
        assert before.shape == (5, STEPS, 8)
        assert torch.equal(before[:, :3], after[:, :3]) is causal


@pytest.mark.parametrize("router", ["per_modality", "disjoint"])
def test_experts_write_to_all_streams_or_to_their_own(router: str) -> None:
    for scope in ("all", "own"):
        model = network(small_fusemoe(router=router, output_scope=scope)).eval()
        streams = [torch.randn(3, STEPS, 8).double().requires_grad_() for _ in SPECS]
        changes = model.fusion.layers[0].step(streams, False).changes
        for target, change in enumerate(changes):
            grads = torch.autograd.grad(change.sum(), streams, retain_graph=True, allow_unused=True)
            reached = [bool(grad is not None and grad.abs().max() > 1e-12) for grad in grads]
            assert reached == [scope == "all" or source == target for source in range(3)]
        last = model.fusion.layers[0].step(streams, True).changes
        for whole, end in zip(changes, last, strict=True):
            assert torch.allclose(whole[:, -1:], end)


@pytest.mark.parametrize("design", ["per_modality", "disjoint"])
def test_own_output_is_the_sum_over_the_experts_kept(design: str) -> None:
    moe = moe_of(network(small_fusemoe(router=design, output_scope="own"))).eval()
    tokens = [torch.randn(4, STEPS * 8).double() for _ in SPECS]
    mixed, routing = moe(tokens)
    experts, per_pool = moe.experts, routing.gates.shape[-1]
    for m, (x, piece) in enumerate(zip(tokens, mixed.chunk(3, -1), strict=True)):
        first = m * per_pool if design == "disjoint" else 0
        wanted = torch.zeros_like(piece)
        for e in range(per_pool):
            hidden = F.gelu(x @ experts.weight1[first + e].T + experts.bias1[first + e])
            value = hidden @ experts.weight2[first + e] + experts.bias2[first + e]
            wanted += routing.gates[m, :, e, None] * value
        assert torch.allclose(piece, wanted)


def test_b13_released_mag_depends_on_the_stays_of_its_micro_batch() -> None:
    sizes = {"width": 8, "heads": 2, "layers": 1, "time_width": 8, "time_heads": 2, "dropout": 0.0}
    mag = MAGSettings(**sizes, grid_steps=STEPS, eval_micro_batch=4)
    batch = double(small_batch(samples=6))
    first, rest, cut = torch.tensor([0]), torch.arange(4, 6), torch.arange(4)
    for text, apart in (("paper", True), ("paper+B-13", False)):
        model = network(in_variant(mag, text)).eval()
        # Far below 1, so that the bound decides about every stay.
        torch.nn.init.constant_(model.fusion.join.beta, 0.1)
        logits = model(batch).logits
        alone = model(rows_of(batch, first)).logits
        assert torch.allclose(alone, logits[first]) is apart
        for part in (cut, rest):
            assert torch.allclose(model(rows_of(batch, part)).logits, logits[part])
    torch.manual_seed(0)
    betas = [build_model(in_variant(mag, "released"), SPECS, 2).fusion.join.beta for _ in range(3)]
    assert len({beta.item() for beta in betas}) == 3
    assert build_model(mag, SPECS, 2).fusion.join.beta.item() == 1


def trained_once(settings: FlexMoESettings) -> list[Tensor]:
    """Return logits, losses and parameters of a network that saw one batch in training."""
    model = make_flexmoe(settings)
    for name, parameter in model.named_parameters():
        if ".experts." in name:
            torch.nn.init.normal_(parameter)
    torch.manual_seed(2)
    output = model.train()(table_batch())
    losses = [output.auxiliary[name] for name in sorted(output.auxiliary)]
    return [output.logits, *losses, *model.parameters()]


def test_h_each_switch_of_flexmoe_changes_its_network() -> None:
    """Those of data and of the order of stays do not; details are tested with each part."""
    paper = small_flexmoe()
    reference = trained_once(paper)
    unchanged = set()
    for difference in DIFFERENCES:
        if not difference.id.startswith("H-"):
            continue
        found = trained_once(in_variant(paper, f"paper+{difference.id}"))
        if len(found) == len(reference) and all(map(torch.equal, found, reference)):
            unchanged.add(difference.id)
    assert unchanged == {"H-4", "H-17", "H-19"}


def test_temperature_flattens_and_initial_weights_spread() -> None:
    x = torch.randn(len(SPECS), 9, STEPS * 8).double()
    plain, warm = (moe_of(network(small_fusemoe(gate_temperature=t))).router for t in (1.0, 4.0))
    assert torch.allclose(warm.eval()(x).clean, plain.eval()(x).clean / 4)
    torch.manual_seed(0)
    spread = moe_of(build_model(small_fusemoe(gate_init_std=0.01), SPECS, 2)).router
    assert spread.gate_weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not spread.noise_weight.any()


NETWORKS = {
    name: method.settings
    for name, method in known_methods().items()
    if isinstance(method.settings, NetworkSettings)
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_runs_in_both_variants(name: str) -> None:
    settings = NETWORKS[name]
    sizes = {"width": 8, "heads": 2, "layers": 2, "time_width": 8, "time_heads": 2}
    sizes |= {"grid_steps": STEPS, "expert_hidden": 10, "dropout": 0.0}
    own = {key: value for key, value in sizes.items() if key in type(settings).model_fields}
    small = type(settings).model_validate(settings.model_dump() | own)
    batch = small_batch()
    for text in ("paper", "released"):
        torch.manual_seed(0)
        build = load_function(small.builder, f"builder of {name}")
        model = build(in_variant(small, text), SPECS, 2)
        output = model(batch)
        loss = F.cross_entropy(output.logits, batch.labels) + sum(output.auxiliary.values())
        loss.backward()
        assert loss.isfinite()
        assert model.eval()(batch).logits.isfinite().all()
