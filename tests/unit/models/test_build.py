"""Whole networks from settings."""

import copy

import pytest
import torch
import torch.nn.functional as F

from fleximodal.dataset.batch import Batch
from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import NetworkSettings
from fleximodal.models.build import build_model
from tests.unit.models.small_batch import (
    SPECS,
    rows_of,
    small_batch,
    small_concat,
    small_fusemoe,
    small_settings,
)

SETTINGS = {
    **{
        name: small_settings(name)
        for name in ("MISTS", "MulT", "MAG", "TF", "Concat", "Concat-LSTM", "Concat-CNN")
    },
    **{
        f"{gate}-{router}-{token}": small_fusemoe(gate=gate, router=router, token=token)
        for gate, router, token in [
            ("softmax", "joint", "flattened"),
            ("gaussian", "per_modality", "per_step"),
            ("laplace", "per_modality", "flattened"),
            ("laplace", "disjoint", "flattened"),
            ("laplace", "joint", "per_step"),
        ]
    },
    "log_softmax": small_fusemoe(expert_output="log_softmax"),
    "regular": small_fusemoe(branches="regular"),
    "irregular": small_fusemoe(branches="irregular", gate_level="batch"),
    "zero": small_fusemoe(missing_embedding="zero"),
}


@pytest.fixture(params=SETTINGS)
def settings(request: pytest.FixtureRequest) -> NetworkSettings:
    return SETTINGS[request.param]


def make_model(settings: NetworkSettings, outputs: int = 2) -> torch.nn.Module:
    torch.manual_seed(0)
    model = build_model(settings, SPECS, outputs).double()
    for name, parameter in model.named_parameters():
        if name.endswith("router.gate_weight"):
            torch.nn.init.normal_(parameter)
        if name.endswith("join.beta"):
            # At 1, the shift of every stay may be below its bound, which then has no gradient.
            torch.nn.init.constant_(parameter, 0.3)
    return model


def double(batch: Batch) -> Batch:
    for part in batch.modalities.values():
        for name, value in vars(part).items():
            if value.is_floating_point():
                setattr(part, name, value.double())
    return batch


def test_output_does_not_depend_on_the_rest_of_the_batch(settings: NetworkSettings) -> None:
    model, batch = make_model(settings, 3).eval(), double(small_batch())
    logits = model(batch).logits
    assert logits.shape == (5, 3)
    assert torch.equal(model(batch).logits, logits)
    order = torch.tensor([3, 0, 4, 2, 1])
    assert torch.allclose(model(rows_of(batch, order)).logits, logits[order])
    for sample in range(5):
        alone = model(rows_of(batch, torch.tensor([sample]))).logits
        assert torch.allclose(alone[0], logits[sample])


def test_released_defects_make_scores_depend_on_batch_and_draw() -> None:
    batch = double(small_batch())
    mixed = make_model(small_fusemoe(flatten="authors_reshape")).eval()
    alone = mixed(rows_of(batch, torch.tensor([0]))).logits
    assert not torch.allclose(alone[0], mixed(batch).logits[0])
    noisy = make_model(small_fusemoe(eval_noise=True)).eval()
    assert not torch.equal(noisy(batch).logits, noisy(batch).logits)


def test_every_parameter_receives_a_gradient(settings: NetworkSettings) -> None:
    model, batch = make_model(settings).train(), double(small_batch(samples=24))
    out = model(batch)
    (F.cross_entropy(out.logits, batch.labels) + sum(out.auxiliary.values())).backward()
    # In exact arithmetic a bias of the keys shifts all scores of a query alike.
    names = [n for n, _ in model.named_parameters() if not n.endswith("key.bias")]
    parameters = dict(model.named_parameters())
    without = [n for n in names if parameters[n].grad is None or not parameters[n].grad.any()]
    assert without == []


def test_content_of_an_absent_modality_does_not_matter(settings: NetworkSettings) -> None:
    model, batch = make_model(settings).eval(), double(small_batch())
    logits = model(batch).logits
    changed = copy.deepcopy(batch)
    for name, sample in (("labs", 1), ("notes", 2)):
        part = changed.modalities[name]
        assert not part.present[sample]
        part.values[sample] = torch.randn_like(part.values[sample])
        part.mask[sample] = 1
        if hasattr(part, "grid"):
            part.grid[sample] = torch.randn_like(part.grid[sample])
    assert torch.equal(model(changed).logits, logits)
    changed.modalities["vitals"].grid[1] += 1
    changed.modalities["vitals"].values[1] += changed.modalities["vitals"].mask[1]
    assert not torch.allclose(model(changed).logits[1], logits[1])


def test_stand_in_is_used_for_absent_modalities_alone() -> None:
    model, batch = make_model(small_fusemoe()), double(small_batch())
    streams = model.encode(batch)
    assert torch.equal(streams[1][1], model.marker.absent[1])
    assert torch.equal(streams[2][2], model.marker.absent[2])
    model(batch).logits.sum().backward()
    used = model.marker.absent.grad.flatten(1).any(1)
    assert used.tolist() == [False, True, True]
    zero = make_model(small_fusemoe(missing_embedding="zero"))
    assert (zero.encode(batch)[1][1] == 0).all()
    assert "marker.absent" not in zero.state_dict()


def test_padding_does_not_matter(settings: NetworkSettings) -> None:
    model, batch = make_model(settings).eval(), double(small_batch())
    padded = copy.deepcopy(batch)
    for part in padded.modalities.values():
        for name in ("values", "mask", "times"):
            value = getattr(part, name)
            setattr(part, name, torch.cat([value, value.new_zeros(5, 4, *value.shape[2:])], 1))
    assert torch.allclose(model(padded).logits, model(batch).logits)


def test_equal_seeds_give_equal_networks_and_steps() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(5)
        model = build_model(small_fusemoe(dropout=0.3), SPECS, 2)
        out = model(small_batch())
        torch.manual_seed(6)
        found.append((out.logits, model(small_batch()).logits))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])


def test_without_time_attention_there_is_no_time_embedding() -> None:
    model = make_model(small_fusemoe(branches="regular"))
    assert not [n for n, _ in model.named_parameters() if "time" in n or "irregular" in n]


def test_one_modality_is_enough() -> None:
    for settings in (small_fusemoe(), small_fusemoe(router="joint"), small_concat()):
        model = build_model(settings, SPECS[:1], 2)
        assert model(small_batch()).logits.isfinite().all()


def test_pools_smaller_than_top_k_are_refused() -> None:
    with pytest.raises(FleximodalError, match="disjoint_top_k"):
        build_model(small_fusemoe(router="disjoint", disjoint_top_k=3), SPECS, 2)


def test_settings_of_an_unknown_method_are_refused() -> None:
    with pytest.raises(FleximodalError, match="NetworkSettings"):
        build_model(NetworkSettings(), SPECS, 2)
