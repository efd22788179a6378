"""Time a training step of Flex-MoE against one whose experts are called one after another.

The published configuration of ADNI: four modalities of 16 tokens of width 128, one layer of 16
experts of which 4 are kept, batches of 8 stays, Adam; features as many as the tables of the paper
have, SNPs fewer (`--snps`). Both sides have the same weights; checked first, without noise and
dropout, are the loss and all gradients. `rounds.py` says how rounds are run.

The floor is the products of the step alone, three times those of a forward pass, at the rate of a
square product of the same round.

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 \
        PYTHONPATH=src python benchmarks/flexmoe_step.py --threads 1 2 --rounds 15
"""

import argparse
from collections.abc import Callable

import rounds
import torch
from plain import gradients_of, make_plain
from torch import Tensor, nn

from fleximodal.dataset.batch import Batch, ItemsBatch, SeriesBatch
from fleximodal.methods.flexmoe_settings import FlexMoESettings
from fleximodal.models.build_flexmoe import build_model
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.training.adam import Adam
from fleximodal.training.complexity import forward_operations
from fleximodal.training.objective import task_loss

CLASSES = 3
FEATURES = {"image": 187, "genomic": 0, "clinical": 1042, "biospecimen": 1270}
# Of ten stays, which have the modality; clinical data are never absent.
PRESENT = {"image": 7, "genomic": 6, "clinical": 10, "biospecimen": 7}


def make_model(features: dict[str, int], experts: int) -> nn.Module:
    """Return the network with the published sizes."""
    torch.manual_seed(0)
    specs = [ModalitySpec(name, "table", size) for name, size in features.items()]
    return build_model(FlexMoESettings(experts=experts), specs, CLASSES)


def make_batch(features: dict[str, int], stays: int) -> Batch:
    """Return random stays of several combinations."""
    generator = torch.Generator().manual_seed(1)
    modalities: dict[str, SeriesBatch | ItemsBatch] = {}
    for number, (name, size) in enumerate(features.items()):
        present = (torch.arange(stays) + 3 * number) % 10 < PRESENT[name]
        mask = present.float().unsqueeze(1)
        values = torch.randn(stays, 1, size, generator=generator) * mask.unsqueeze(2)
        modalities[name] = ItemsBatch(values, mask, torch.zeros(stays, 1), present)
    return Batch(modalities, torch.arange(stays) % CLASSES, torch.arange(stays))


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Return the whole loss of a batch."""
    output = model(batch)
    return sum(output.auxiliary.values(), start=task_loss(output.logits, batch.labels))


def make_step(model: nn.Module, batch: Batch) -> Callable[[], None]:
    """Return a training step on one batch."""
    optimizer = Adam(model.parameters(), 1e-4)

    def step() -> None:
        optimizer.zero_grad()
        loss_of(model, batch).backward()
        optimizer.step()

    return step


def error_of(features: dict[str, int], experts: int, batch: Batch) -> float:
    """Return the largest relative difference of loss and gradients, without noise."""
    sides = [make_model(features, experts).eval(), make_plain(make_model(features, experts)).eval()]
    losses, found = [], []
    for side in sides:
        loss = loss_of(side, batch)
        loss.backward()
        losses.append(loss.detach())
        found.append([gradient.clone() for gradient in gradients_of(side)])
    # Weights of the noise have no gradient where there is no noise.
    pairs = [(a, b) for a, b in zip(*found, strict=True) if b.any()]
    return rounds.relative_error([(losses[0], losses[1]), *pairs])


def report(features: dict[str, int], experts: int, stays: int, number: int) -> None:
    """Print one row."""
    batch = make_batch(features, stays)
    error = error_of(features, experts, batch)
    if error > rounds.TOLERANCE:
        raise SystemExit(f"{experts} experts: both sides differ by {error:.0e}")
    ours, plain = make_model(features, experts), make_plain(make_model(features, experts))
    operations = forward_operations(ours, batch)
    ours.train()
    steps = {"ours": make_step(ours, batch), "plain": make_step(plain, batch)}
    row = rounds.run({**steps, "square": rounds.square()}, number)
    floor = rounds.arithmetic(row, 3 * operations)
    rounds.print_row(f"{stays} stays, {experts} experts", row, floor, error, None)


def main() -> None:
    """Read the arguments and print rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--snps", type=int, default=20_000)
    arguments = parser.parse_args()
    features = FEATURES | {"genomic": arguments.snps}
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        rounds.print_head("Training step of Flex-MoE")
        for experts, stays in ((16, 8), (64, 8), (16, 64)):
            report(features, experts, stays, arguments.rounds)


if __name__ == "__main__":
    main()
