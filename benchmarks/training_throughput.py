"""Training stays per second of FuseMoE, against the same model in its plain form (`plain.py`).

    python benchmarks/training_throughput.py --threads 2

Both models have the same weights and take the same optimiser steps (batch, forward, backward,
Adam) in one process, in turn; ratios are formed per round. First it is checked that, without
dropout, both give the same loss and gradients. The data are the packed PhysioNet 2012 data set if
it has been built, else generated stays of the same shape. Sizes are the paper's, for one layer and
two modalities; `--layers 3` needs some 20 GB.
"""

import argparse
import copy
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from plain import gradients_of, make_plain
from torch import Tensor, nn

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.dataset.packed import PackedDataset, Series, read_packed
from fleximodal.dataset.scaler import fit_scaler
from fleximodal.methods.settings import FuseMoESettings
from fleximodal.models.build import build_model
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.training.objective import task_loss
from fleximodal.training.reproducible import repeatable

ROOT = Path(__file__).resolve().parents[1]

BATCH = 32


def generate(stays: int) -> PackedDataset:
    """Return stays of the shape of PhysioNet 2012: times and density of its vitals and labs."""
    modalities = {
        "vitals": _series("vitals", 12, rows=70, density=0.35, stays=stays),
        "labs": _series("labs", 19, rows=6, density=0.4, stays=stays),
    }
    ids = np.arange(stays)
    label = (ids % 7 == 0).astype(np.int8)
    return PackedDataset(
        "generated", "none", 48.0, 48.0, ("label",), ids, ids, label, dict(modalities)
    )


def _series(name: str, channels: int, *, rows: int, density: float, stays: int) -> Series:
    random = np.random.default_rng(len(name))
    count = random.poisson(rows, stays)
    hours = np.concatenate([np.sort(random.random(one) * 48) for one in count])
    seen = random.random((len(hours), channels)) < density
    return Series(
        name=name,
        channels=tuple(f"{name}{number}" for number in range(channels)),
        row_offsets=np.concatenate([[0], np.cumsum(count)]),
        hours=hours.astype(np.float32),
        observation_offsets=np.concatenate([[0], np.cumsum(seen.sum(axis=1))]),
        channel=np.nonzero(seen)[1].astype(np.int16),
        value=random.normal(size=seen.sum()).astype(np.float32),
    )


class Trainee:
    """A model, its optimiser, and one step of 32 stays, `pass_stays` of them in each pass."""

    def __init__(self, model: nn.Module, builder: BatchBuilder, pass_stays: int = BATCH) -> None:
        self.model = model.train()
        self.builder = builder
        self.pass_stays = pass_stays
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def gradients(self, index: Tensor) -> float:
        """Leave the gradients of one batch; return its loss."""
        self.optimizer.zero_grad()
        total = 0.0
        for stays in index.split(self.pass_stays):
            batch = self.builder.batch(stays)
            output = self.model(batch)
            loss = task_loss(output.logits, batch.labels)
            loss = sum(output.auxiliary.values(), start=loss) * (len(stays) / len(index))
            loss.backward()
            total += float(loss.detach())
        return total

    def seconds(self, batches: list[Tensor]) -> float:
        """Return the time of one step per batch."""
        began = time.perf_counter()
        for index in batches:
            self.gradients(index)
            self.optimizer.step()
        return time.perf_counter() - began


def check(ours: nn.Module, plain: nn.Module, builder: BatchBuilder, index: Tensor) -> None:
    """Stop if loss (1e-5) or gradients (1e-4 of the largest) differ."""
    pair = [Trainee(model, builder) for model in (ours, plain)]
    losses = []
    for one in pair:
        torch.manual_seed(0)
        losses.append(one.gradients(index))
    assert abs(losses[0] - losses[1]) <= 1e-5 * abs(losses[1]), losses
    found, expected = gradients_of(ours), gradients_of(plain)
    largest = max(float(grad.abs().max()) for grad in expected)
    worst = max(
        float((one - other).abs().max()) / max(float(other.abs().max()), 0.01 * largest)
        for one, other in zip(found, expected, strict=True)
    )
    assert worst <= 1e-4, f"gradients differ by {worst}"
    print(f"loss {losses[0]:.6f} and {losses[1]:.6f}, gradients within {worst:.1e}")


def main() -> None:
    """Check that both models agree, then time them in turn and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path, help="folder of a packed data set")
    parser.add_argument("--modalities", default="vitals+labs")
    parser.add_argument("--router", default="joint")
    parser.add_argument("--token", default="flattened")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--expert-hidden", type=int, default=512)
    parser.add_argument(
        "--plain-pass", type=int, default=BATCH, help="stays per pass of the plain loop; paper: 2"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=3, help="optimiser steps a round")
    arguments = parser.parse_args()

    default = ROOT / "results/dataset/physionet2012/48-IHM/packed"
    folder = arguments.dataset or (default if default.is_dir() else None)
    dataset = read_packed(folder) if folder else generate(1000)
    dataset = dataset.select(arguments.modalities.split("+"))
    builder = BatchBuilder(dataset, fit_scaler(dataset, np.arange(dataset.num_stays)))
    specs = [
        ModalitySpec(name, "series", len(modality.channels))
        if isinstance(modality, Series)
        else ModalitySpec(name, "items", len(modality.features))
        for name, modality in dataset.modalities.items()
    ]
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(dataset.num_stays, generator=generator)
    batches = list(order[: BATCH * arguments.steps].split(BATCH))

    def model_of(dropout: float) -> nn.Module:
        torch.manual_seed(0)
        settings = FuseMoESettings(
            router=arguments.router,
            token=arguments.token,
            width=arguments.width,
            layers=arguments.layers,
            expert_hidden=arguments.expert_hidden,
            dropout=dropout,
        )
        return build_model(settings, specs, 2)

    with repeatable(arguments.threads):
        model = model_of(dropout=0.0)
        check(model, make_plain(copy.deepcopy(model)), builder, batches[0])
        model = model_of(dropout=0.1)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        plain_model = make_plain(copy.deepcopy(model))
        pair = [
            Trainee(plain_model, builder, arguments.plain_pass),
            Trainee(model, builder),
        ]
        for trainee in pair:
            trainee.seconds(batches[:1])  # the first step allocates the optimiser's state
        rounds = []
        for number in range(arguments.rounds):
            turn = (0, 1) if number % 2 else (1, 0)
            taken = {which: pair[which].seconds(batches) for which in turn}
            rounds.append((taken[0], taken[1]))
    plain, ours = (
        statistics.median(BATCH * arguments.steps / one[which] for one in rounds)
        for which in (0, 1)
    )
    ratio = statistics.median(one[0] / one[1] for one in rounds)
    print(f"data {dataset.source}, {arguments.modalities}; {parameters / 1e6:.1f} M parameters")
    print(
        f"{arguments.threads} threads, batch {BATCH}, {arguments.rounds} rounds, "
        f"plain form {arguments.plain_pass} stays a pass"
    )
    print(f"plain form {plain:.1f} stays/s, ours {ours:.1f} stays/s: x{ratio:.2f}")


if __name__ == "__main__":
    main()
