"""What a network may do beside predicting: side tasks, a look at training stays, tables."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from fleximodal.models.output import ModelOutput, SideTask
from fleximodal.training.network import build_network, fit_network
from tests.unit.training.subjects import member, subjects
from tests.unit.training.toy import TRAINING, Toy, ToySettings

LOG = logging.getLogger("fleximodal.training")


class SideSettings(ToySettings):
    """Settings of a network that predicts once more for stays with a genome."""

    builder: ClassVar[str] = "tests.unit.training.test_hooks:build_side"
    weight: float = 0.0


class SideToy(Toy):
    """`Toy`, and its logits again as a side task, learned by a head of its own."""

    def __init__(self, settings: SideSettings, sizes: list[int], num_outputs: int) -> None:
        super().__init__(settings, sizes, num_outputs)
        self.weight = settings.weight
        self.again = torch.nn.Linear(num_outputs, num_outputs)
        self.seen: list[Tensor] = []

    def forward(self, batch: Any) -> ModelOutput:
        output = super().forward(batch)
        rows = batch.modalities["genomic"].present
        side = SideTask(self.again(output.logits.detach()), self.weight, rows)
        return replace(output, side={"again": side})


def build_side(settings: SideSettings, modalities: Any, num_outputs: int) -> SideToy:
    return SideToy(settings, [modality.size for modality in modalities], num_outputs)


def test_side_predictions_are_trained_with_their_weight(tmp_path: Path) -> None:
    run = member(subjects())
    fitted = {
        weight: fit_network(
            run, SideSettings(weight=weight), TRAINING, state=tmp_path / str(weight), log=LOG
        )
        for weight in (0.0, 0.5)
    }
    torch.manual_seed(0)
    untouched = torch.equal(
        fitted[0.0].tensors["again.weight"], fitted[0.5].tensors["again.weight"]
    )
    assert not untouched, "the side head learns only where its loss counts"
    for name in ("hidden.weight", "out.weight"):
        assert torch.equal(fitted[0.0].tensors[name], fitted[0.5].tensors[name])
    extra = [fitted[weight].history[0]["train_auxiliary_loss"] for weight in (0.0, 0.5)]
    # Cross-entropy of three classes starts near log 3.
    assert 0.3 < extra[1] - extra[0] < 0.9
    assert fitted[0.0].history[0]["train_loss"] == fitted[0.5].history[0]["train_loss"]


class PreparedSettings(ToySettings):
    """Settings of a network that is told which modalities training stays have."""

    builder: ClassVar[str] = "tests.unit.training.test_hooks:build_prepared"


class PreparedToy(Toy):
    """`Toy` that keeps what it was told."""

    told: Tensor

    def __init__(self, settings: ToySettings, sizes: list[int], num_outputs: int) -> None:
        super().__init__(settings, sizes, num_outputs)
        self.register_buffer("told", torch.zeros(len(sizes)))

    def prepare(self, present: Tensor) -> None:
        assert present.dtype == torch.bool
        self.told.copy_(present.sum(1))


def build_prepared(settings: ToySettings, modalities: Any, num_outputs: int) -> PreparedToy:
    return PreparedToy(settings, [modality.size for modality in modalities], num_outputs)


@pytest.mark.parametrize("imputation", ["none", "mean", "nearest"])
def test_networks_are_told_what_training_stays_have(tmp_path: Path, imputation: str) -> None:
    run = member(subjects())
    settings = PreparedSettings(table_imputation=imputation)
    fitted = fit_network(run, settings, TRAINING, state=tmp_path, log=LOG)
    train = run.parts["train"]
    wanted = [
        len(train) if imputation != "none" else int((np.diff(one.row_offsets) > 0)[train].sum())
        for one in run.dataset.modalities.values()
    ]
    assert fitted.tensors["told"].tolist() == wanted


def test_networks_learn_the_kind_and_volume_of_tables() -> None:
    dataset = subjects()
    one = dataset.modalities["clinical"]
    dataset.modalities["clinical"] = replace(one, shape=(2, 2, 1), places=np.array([0, 1, 3]))  # type: ignore[call-arg]
    seen: list[Any] = []

    class Spy(ToySettings):
        builder: ClassVar[str] = "tests.unit.training.test_hooks:spy"

    globals()["spy"] = lambda settings, specs, outputs: (
        seen.append((specs, outputs)) or Toy(settings, [spec.size for spec in specs], outputs)
    )
    build_network(dataset, Spy())
    (genomic, clinical), outputs = seen[0]
    assert (genomic.kind, genomic.size, genomic.volume, outputs) == ("table", 5, None, 3)
    assert clinical.volume.shape == (2, 2, 1)
    assert clinical.volume.places.tolist() == [0, 1, 3]
