"""Training stays per second of FuseMoE, against the same model with a plain loop over experts.

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
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.dataset.packed import PackedDataset, Series, read_packed
from fleximodal.dataset.scaler import fit_scaler
from fleximodal.methods.settings import FuseMoESettings
from fleximodal.models.build import ModalitySpec, build_model
from fleximodal.models.experts import Experts
from fleximodal.models.gates import Routing
from fleximodal.training.objective import task_loss
from fleximodal.training.reproducible import repeatable

ROOT = Path(__file__).resolve().parents[1]

BATCH = 32


class LoopedExperts(nn.ModuleList):
    """One module per expert with the weights of `Experts`; each in turn, whole outputs."""

    def __init__(self, experts: Experts, dropout: float) -> None:
        super().__init__()
        self.pools, self.per_pool, self.output = experts.pools, experts.per_pool, experts.output
        _, hidden, inputs = experts.weight1.shape
        outputs = experts.bias2.shape[1]
        for number in range(len(experts.weight1)):
            first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, outputs)
            first.weight.data.copy_(experts.weight1[number])
            first.bias.data.copy_(experts.bias1[number])
            last.weight.data.copy_(experts.weight2[number].T)
            last.bias.data.copy_(experts.bias2[number])
            self.append(nn.Sequential(first, nn.GELU(), nn.Dropout(dropout), last))

    def layers(self) -> list[tuple[nn.Linear, nn.Linear]]:
        """Return the two linear maps of each expert."""
        return [(expert.get_submodule("0"), expert.get_submodule("3")) for expert in self]  # type: ignore[misc]

    def forward(
        self, x: Tensor, routing: Routing, part: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Return the sum of the mixtures, as `Experts` does."""
        mixed = x.new_zeros(x.shape[1], self.layers()[0][1].out_features)
        for router, gates in enumerate(routing.gates):
            for number in range(self.per_pool):
                chosen = torch.nonzero(gates[:, number]).squeeze(1)
                if len(chosen):
                    expert = self[number + (router * self.per_pool if self.pools > 1 else 0)]
                    output = expert(x[router, chosen])
                    weighted = gates[chosen, number].unsqueeze(1) * output
                    mixed = mixed.index_add(0, chosen, weighted)
        return mixed if part is None else part(mixed)


def looped(model: nn.Module, dropout: float) -> nn.Module:
    """Return a copy of `model` in which experts are looped over."""
    model = copy.deepcopy(model)
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Experts):
                setattr(module, name, LoopedExperts(child, dropout))
    return model


def gradients_of(model: nn.Module) -> list[Tensor]:
    """Return the gradients of a model, those of experts stacked, in one order for both kinds."""
    found = []
    experts = [m for m in model.modules() if isinstance(m, Experts | LoopedExperts)]
    inside = {id(parameter) for module in experts for parameter in module.parameters()}
    for module in experts:
        if isinstance(module, Experts):
            grads = [module.weight1.grad, module.bias1.grad, module.weight2.grad, module.bias2.grad]
        else:
            pairs = module.layers()
            grads = [
                torch.stack([_grad(first.weight) for first, _ in pairs]),
                torch.stack([_grad(first.bias) for first, _ in pairs]),
                torch.stack([_grad(last.weight).T for _, last in pairs]),
                torch.stack([_grad(last.bias) for _, last in pairs]),
            ]
        found += [grad for grad in grads if grad is not None]
    others = [p.grad for p in model.parameters() if id(p) not in inside]
    return found + [grad for grad in others if grad is not None]


def _grad(parameter: Tensor) -> Tensor:
    # An expert that no stay has chosen has no gradient.
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


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
        check(model, looped(model, 0.0), builder, batches[0])
        model = model_of(dropout=0.1)
        parameters = sum(parameter.numel() for parameter in model.parameters())
        plain_model = looped(model, 0.1)
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
        f"plain loop {arguments.plain_pass} stays a pass"
    )
    print(f"plain loop {plain:.1f} stays/s, ours {ours:.1f} stays/s: x{ratio:.2f}")


if __name__ == "__main__":
    main()
