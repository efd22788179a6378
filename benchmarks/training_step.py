"""Time a whole training step of the published configuration against its plain form.

FuseMoE with the joint router: 16 experts x 3 layers, 2 modalities (30 channels at 300 times, 5
images), 608.7 M parameters, Adam. Ours takes 32 stays at once, with the balance losses over every 2
of them; the plain form takes 16 passes of 2 stays and PyTorch's default Adam (goal P8). One process
a side, in turn, since each fills some 11 GB; the step that allocates gradients and moments is
printed apart (P9). The check is the loss of the same stays under equal weights in evaluation, and
in small (`--layers 1 --width 16` and so on) all gradients.

The floor is Adam's traffic, 28 bytes a parameter, and that of the experts, weights read twice and
gradients written once, or their products if these take longer, at the rates of a copy and of a
square product in the process of ours.

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 \
        PYTHONPATH=src python benchmarks/training_step.py --threads 2 --turns 2
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import rounds
import torch
from plain import gradients_of, make_plain
from torch import Tensor

from fleximodal.dataset.batch import Batch, ItemsBatch, SeriesBatch
from fleximodal.methods.settings import FuseMoESettings
from fleximodal.models.build import build_model
from fleximodal.models.modality_spec import ModalitySpec
from fleximodal.models.multimodal import MultimodalModel
from fleximodal.training.objective import task_loss

STAYS, PASSES = 32, 16
CHANNELS, TIMES, STEPS = 30, 300, 48
FEATURES, ITEMS = 1024, 5
GOALS = (11.0, 2.0)
STEPS_OF = {"ours": 6, "plain": 3}


def make_settings(layers: int, width: int, hidden: int) -> FuseMoESettings:
    """Return the published configuration in the sizes given; gates are not all alike."""
    return FuseMoESettings(
        router="joint",
        layers=layers,
        width=width,
        expert_hidden=hidden,
        aux_window="micro_batch",
        micro_batch=STAYS // PASSES,
        gate_init_std=0.01,
    )


def make_model(settings: FuseMoESettings, side: str) -> MultimodalModel:
    """Return the network of one side; both have the same weights."""
    torch.manual_seed(0)
    specs = [ModalitySpec("vitals", "series", CHANNELS), ModalitySpec("cxr", "items", FEATURES)]
    model = build_model(settings, specs, 2)
    if side == "plain":
        make_plain(model)
    return model


def make_batch(stays: int = STAYS) -> Batch:
    """Return random stays; one in four has no image."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    mask = (torch.rand(stays, TIMES, CHANNELS, generator=generator) < 0.3).float()
    times = torch.rand(stays, TIMES, generator=generator).sort(1).values
    present = torch.arange(stays) % 4 > 0
    return Batch(
        modalities={
            "vitals": SeriesBatch(
                values=normal(stays, TIMES, CHANNELS) * mask,
                mask=mask,
                times=times,
                grid=normal(stays, STEPS, 2 * CHANNELS),
                present=torch.ones(stays, dtype=torch.bool),
            ),
            "cxr": ItemsBatch(
                values=normal(stays, ITEMS, FEATURES),
                mask=torch.ones(stays, ITEMS),
                times=times[:, :ITEMS].contiguous(),
                present=present,
            ),
        },
        labels=torch.arange(stays) % 2,
        index=torch.arange(stays),
    )


def split(batch: Batch, stays: int) -> list[Batch]:
    """Cut a batch into batches of `stays`."""
    return [
        Batch(
            modalities={
                name: type(part)(**{k: v[first : first + stays] for k, v in vars(part).items()})
                for name, part in batch.modalities.items()
            },
            labels=batch.labels[first : first + stays],
            index=batch.index[first : first + stays],
        )
        for first in range(0, len(batch.labels), stays)
    ]


def backward(model: MultimodalModel, batches: list[Batch]) -> float:
    """Leave the gradients of the mean loss of equal batches; return it."""
    total = 0.0
    for batch in batches:
        output = model(batch)
        loss = task_loss(output.logits, batch.labels)
        loss = sum(output.auxiliary.values(), start=loss) / len(batches)
        loss.backward()
        total += float(loss.detach())
    return total


def work(side: str, settings: FuseMoESettings) -> dict[str, object]:
    """Return what one side takes, in seconds, and its loss in evaluation."""
    model = make_model(settings, side)
    batch = make_batch()
    batches = [batch] if side == "ours" else split(batch, STAYS // PASSES)
    with torch.no_grad():
        model.eval()
        losses = [task_loss(model(part).logits, part.labels) for part in batches]
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-4, fused=side == "ours" or None)
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    taken = []
    for _ in range(1 + STEPS_OF[side]):
        began = clock()
        optimizer.zero_grad()
        backward(model, batches)
        optimizer.step()
        taken.append(clock() - began)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    copied, seconds = rounds.copying(1 << 26)
    rates = rounds.run({"square": rounds.square(), "copy": copied}, 5)
    layers, width = settings.layers, 2 * STEPS * settings.width
    one = 2 * settings.experts * width * settings.expert_hidden
    products = 3 * settings.top_k * 2 * 2 * STAYS * width * settings.expert_hidden
    experts = max(rounds.arithmetic(rates, products), seconds(rates, 3 * 4 * one))
    return {
        "first": taken[0],
        "steps": taken[1:],
        "loss": float(torch.stack(losses).mean()),
        "parameters": parameters,
        "floor": seconds(rates, 28 * parameters) + layers * experts,
    }


def error_of(settings: FuseMoESettings, stays: int = STAYS) -> float:
    """Return the largest relative difference of all gradients, and of the loss, without noise."""
    settings = settings.model_copy(update={"dropout": 0.0})
    found = []
    for side in ("ours", "plain"):
        model = make_model(settings, side).eval()
        batch = make_batch(stays)
        loss = backward(model, [batch] if side == "ours" else split(batch, STAYS // PASSES))
        found.append((loss, gradients_of(model)))
    (ours_loss, ours), (plain_loss, plain) = found
    largest = max(float(gradient.abs().max()) for gradient in plain)
    errors = [
        float((a - b).abs().max()) / max(float(b.abs().max()), 0.01 * largest)
        for a, b in zip(ours, plain, strict=True)
    ]
    return max(*errors, abs(ours_loss - plain_loss) / abs(plain_loss))


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=1, help="processes of each side")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--side", choices=list(STEPS_OF), help="print one side as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = make_settings(arguments.layers, arguments.width, arguments.hidden)
    if arguments.side:
        print(json.dumps(work(arguments.side, settings)))
        return

    rounds.print_head("Training step of 32 stays, one process a side")
    gradients = error_of(make_settings(2, 16, 32))
    results: dict[str, list[dict]] = {side: [] for side in STEPS_OF}
    for _ in range(arguments.turns):
        for side in results:
            command = [sys.executable, __file__, *sys.argv[1:], "--side", side]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            results[side].append(json.loads(done.stdout))
    steps = {
        side: [statistics.median(one["steps"]) for one in found] for side, found in results.items()
    }
    row = rounds.Row(steps, quiet=True)
    loss = abs(results["ours"][0]["loss"] / results["plain"][0]["loss"] - 1)
    floor = statistics.median(one["floor"] for one in results["ours"])
    rounds.print_row("P8 32 stays vs 16 x 2", row, floor, loss, GOALS)
    for side, found in results.items():
        first = statistics.median(one["first"] for one in found)
        print(f"P9 first step of {side}: {first:.1f} s")
    millions = results["ours"][0]["parameters"] / 1e6
    print(f"{millions:.1f} M parameters; gradients of a small network within {gradients:.0e}")


if __name__ == "__main__":
    main()
