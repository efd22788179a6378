"""The optimiser against PyTorch's own, and what it spares."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from fleximodal.training.adam import Adam


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    ours = nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 3), nn.Linear(2, 2)])
    theirs = nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 3), nn.Linear(2, 2)])
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def loss_of(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The third layer has no part in it, so no gradient."""
    return network[1](network[0](x).relu()).square().mean()


def test_steps_are_those_of_torch_bit_by_bit() -> None:
    ours, theirs = networks()
    optimizer = Adam(ours.parameters(), 0.01)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01, fused=True)
    for _ in range(20):
        x = torch.randn(8, 5)
        for network, method in ((ours, optimizer), (theirs, reference)):
            method.zero_grad()
            loss_of(network, x).backward()
            method.step()
    for found, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(found, expected)
    assert sorted(optimizer.state) == [0, 1, 2, 3]


def test_it_goes_on_from_its_state() -> None:
    ours, other = networks()
    first, second = Adam(ours.parameters(), 0.01), Adam(other.parameters(), 0.01)
    x = torch.randn(8, 5)

    def step(network: nn.Module, optimizer: Adam) -> None:
        optimizer.zero_grad()
        loss_of(network, x).backward()
        optimizer.step()

    step(ours, first)
    other.load_state_dict(ours.state_dict())
    copied = {n: {k: v.clone() for k, v in kept.items()} for n, kept in first.state.items()}
    second.restore(copied)
    step(ours, first)
    step(other, second)
    for found, expected in zip(other.parameters(), ours.parameters(), strict=True):
        assert torch.equal(found, expected)


def test_first_step_is_the_learning_rate_against_the_sign_of_the_gradient() -> None:
    parameter = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = Adam([parameter], 0.1)
    (parameter * torch.tensor([3.0, -0.5])).sum().backward()
    optimizer.step()
    assert parameter.tolist() == pytest.approx([0.9, -1.9], abs=1e-6)


def test_torch_s_compiler_is_not_imported() -> None:
    program = (
        "import sys, torch; from fleximodal.training.adam import Adam\n"
        "p = torch.nn.Parameter(torch.ones(2)); o = Adam([p], 0.1)\n"
        "p.sum().backward(); o.step()\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], check=False, env=environment)
    assert done.returncode == 0
