"""Operations against closed forms, and the timing of steps."""

from typing import Any

import pytest
import torch

from fleximodal.config.training import Training
from fleximodal.dataset.scaler import fit_scaler
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.methods.settings import FuseMoESettings, NetworkSettings
from fleximodal.training.complexity import forward_operations, step_seconds
from fleximodal.training.many_data import generate
from fleximodal.training.member import Member
from fleximodal.training.network import batch_builder, build_network
from tests.unit.training import toy

TRAINING = Training(epochs=1, batch_size=6, learning_rate=1e-3, device="cpu")
M, F, T, D, E, K, B = 3, 10, 4, 8, 9, 2, 6
SMALL: dict[str, Any] = {"width": D, "heads": 2, "grid_steps": T, "experts": E, "top_k": K}


def run_of(stays: int = 60) -> Member:
    made = generate(M, stays=stays, features=F, missing=0.3, seed=1)
    scaler = fit_scaler(made.dataset, made.parts["train"])
    return Member(made.dataset, "generated", 0, made.parts, scaler)


def network(member: Member, settings: NetworkSettings) -> tuple[torch.nn.Module, Any]:
    torch.manual_seed(0)
    model = build_network(member.dataset, settings)
    builder = batch_builder(member, settings, TRAINING, torch.device("cpu"))
    return model, builder


def operations(settings: NetworkSettings, member: Member) -> int:
    model, builder = network(member, settings)
    return forward_operations(model, builder.batch(torch.arange(B)))


def test_flexmoe_by_its_closed_form() -> None:
    # Without losses, whose sums over tokens are products of matrices too.
    settings = FlexMoESettings(**SMALL, layers=2, gate_loss_coef=0.0)
    block = -(-F // T)
    tokens = M * T
    vectors = M * 2 * B * F  # the one row of a stay, by its mask
    encoders = M * 2 * B * T * block * D
    attention = 2 * B * tokens * D * 4 * D + 2 * (2 * B * tokens * tokens * D)
    router = 2 * B * tokens * D * E
    experts = B * tokens * K * 2 * (D * 2 * D + 2 * D * D)
    dense = B * tokens * 2 * (D * 2 * D + 2 * D * D)
    head = 2 * B * M * D * 2
    expected = vectors + encoders + 2 * attention + router + experts + dense + head
    assert operations(settings, run_of()) == expected


def test_each_token_is_charged_the_experts_it_chose() -> None:
    member = run_of()
    one, more, many = (
        operations(FlexMoESettings(**(SMALL | changes), gate_loss_coef=0.0), member)
        for changes in ({"top_k": 1}, {"top_k": 3}, {"top_k": 3, "experts": 40})
    )
    tokens = B * M * T
    assert more - one == 2 * tokens * 2 * (D * 2 * D + 2 * D * D)
    # More experts to choose from cost the router alone.
    assert many - more == 2 * tokens * D * (40 - E)


def test_experts_of_fusemoe_are_charged_what_is_read_of_them() -> None:
    sizes = {**SMALL, "time_width": 4, "time_heads": 2, "layers": 1, "expert_hidden": 5}
    member = toy.member(toy.cohort(60))
    few, more = (
        operations(FuseMoESettings(**(sizes | {"top_k": k}), router="joint"), member)
        for k in (1, 3)
    )
    # One token a stay of M * T * D numbers; of the result only the last point of each stream.
    assert more - few == 2 * B * 2 * (M * T * D * 5 + 5 * M * D)


@pytest.mark.parametrize("stays", [60, 12])
def test_steps_are_those_of_training(stays: int) -> None:
    member = run_of(stays)
    model, builder = network(member, FlexMoESettings(**SMALL))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    seconds = step_seconds(model, builder, member, TRAINING, warm_up=1, steps=4)
    assert len(seconds) == 4 and min(seconds) > 0
    changed = [name for name, t in model.state_dict().items() if not torch.equal(t, before[name])]
    assert any("experts" in name for name in changed)
