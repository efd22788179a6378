"""Shares of modalities against what they are by definition."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.dataset.packed import PackedDataset
from fleximodal.errors import FleximodalError
from fleximodal.methods import registry
from fleximodal.methods.registry import Method
from fleximodal.methods.settings import ConcatSettings, FuseMoESettings
from fleximodal.models.mixture_step import MixtureStep
from fleximodal.training.cell import train_cell
from fleximodal.training.network import batch_builder, build_network
from fleximodal.training.shares import measure_shares, modality_weights
from fleximodal.training.stored import read_cell
from tests.unit.training.toy import TRAINING, cohort, describe, member, write_inputs

SMALL: dict[str, Any] = {
    **{"width": 8, "heads": 2, "layers": 2, "time_width": 4, "time_heads": 2, "grid_steps": 6},
    **{"experts": 9, "top_k": 2, "disjoint_top_k": 2, "expert_hidden": 4},
}


@pytest.fixture(scope="module")
def dataset() -> PackedDataset:
    return cohort(150)


def network(dataset: PackedDataset, **changes: Any) -> tuple[torch.nn.Module, BatchBuilder]:
    """Return a network whose routers have learned something, and what makes its batches."""
    settings = FuseMoESettings(**{**SMALL, **changes})
    torch.manual_seed(5)
    model = build_network(dataset, settings)
    for step in steps(model):
        torch.nn.init.normal_(step.moe.router.gate_weight, std=0.3)
    device = torch.device("cpu")
    return model, batch_builder(member(dataset), settings, TRAINING, device)


def steps(model: torch.nn.Module) -> list[MixtureStep]:
    return [module for module in model.modules() if isinstance(module, MixtureStep)]


@pytest.mark.parametrize("router", ["disjoint", "per_modality", "joint"])
@pytest.mark.parametrize("token", ["flattened", "per_step"])
def test_presence_is_the_count_of_stays(dataset: PackedDataset, router: str, token: str) -> None:
    model, builder = network(dataset, router=router, token=token)
    positions = torch.arange(20, 150)
    presence = modality_weights(model, builder, positions)["presence"]
    there = {
        name: (np.diff(modality.row_offsets) > 0)[20:].sum()
        for name, modality in dataset.modalities.items()
    }
    assert there["vitals"] < 130  # some are missing, or this would show little
    for name, count in there.items():
        assert presence[name] == pytest.approx(2 * count, rel=1e-5)  # two layers


def test_norm_is_that_of_each_experts_part(dataset: PackedDataset) -> None:
    model, builder = network(dataset, router="disjoint", layers=1)
    positions = torch.arange(40)
    found = modality_weights(model, builder, positions)["norm"]

    batch = builder.batch(positions)
    step = steps(model)[0]
    given: list[torch.Tensor] = []
    hook = step.moe.router.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    with torch.no_grad():
        model.eval()(batch)
    hook.remove()
    experts, tokens = step.moe.experts, given[0]
    gates = step.moe.router(tokens).gates
    per_pool = gates.shape[2]
    for router, (name, modality) in enumerate(batch.modalities.items()):
        expected = 0.0
        for stay in torch.nonzero(modality.present)[:, 0].tolist():
            for expert in range(per_pool):
                number = router * per_pool + expert
                hidden = F.gelu(
                    experts.weight1[number] @ tokens[router, stay] + experts.bias1[number]
                )
                output = hidden @ experts.weight2[number] + experts.bias2[number]
                expected += (gates[router, stay, expert] * output.norm()).item()
        assert found[name] == pytest.approx(expected, rel=1e-4)


def test_shares_of_a_trained_cell(
    tmp_path: Path, dataset: PackedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = FuseMoESettings(**SMALL, router="disjoint")
    known = {
        "Disjoint": Method("Disjoint", settings, ""),
        "Concat": Method("Concat", ConcatSettings(), ""),
    }
    monkeypatch.setattr(registry, "known_methods", lambda: known)
    inputs = write_inputs(tmp_path, dataset, ("seed0",))
    description = describe("Disjoint", settings.model_dump(mode="json"))
    description |= {"splits": ["seed0"], "training": {**description["training"], "epochs": 1}}
    output = tmp_path / "runs"
    train_cell(description, **inputs, output=output, state=tmp_path / "state", threads=1)
    stored = read_cell(output, **inputs)
    measure_shares(stored, tmp_path / "shares.json", threads=1)
    runs = json.loads((tmp_path / "shares.json").read_text())["runs"]
    assert [(run["split"], run["seed"]) for run in runs] == [("seed0", 32), ("seed0", 42)]
    test = stored.members[0].parts["test"]
    counts = {
        name: (np.diff(modality.row_offsets) > 0)[test].sum()
        for name, modality in dataset.modalities.items()
    }
    for run in runs:
        for name, count in counts.items():
            assert run["presence"][name] == pytest.approx(count / sum(counts.values()), rel=1e-5)
        assert sum(run["norm"].values()) == pytest.approx(1)
    # What is learned shows in the second reading alone.
    assert runs[0]["presence"] == pytest.approx(runs[1]["presence"], rel=1e-5)
    assert runs[0]["norm"] != pytest.approx(runs[1]["norm"], rel=1e-4)

    released = read_cell(output, **inputs)
    object.__setattr__(released, "settings", ConcatSettings())
    with pytest.raises(FleximodalError, match="need experts whose outputs are added"):
        measure_shares(released, tmp_path / "none.json", threads=1)
