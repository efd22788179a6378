"""Time multi-time attention against the form with one copy of the scores per channel.

Forward and backward: 30 channels and as many of the mask, 300 times, 48 points, 8 heads, time width
64, dropout 0.1, batches of 32 (goal P5) and 2 (goal P6). Ours draws one dropout for all channels,
the plain form one for each. The floor is the products of the plain form that do not repeat each
other, forward and twice backward: 3.0 GFLOP at batch 32, at the rate of a square product of the
same round. The check is without dropout, on outputs and all gradients, with a channel never
observed. Then the extra peak memory of one forward and backward (goal P7), each side in a process
of its own.

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 \
        PYTHONPATH=src python benchmarks/time_attention.py --threads 1 2 --rounds 9

The plain form takes some 4.5 GB.
"""

import argparse
import copy
import os
import subprocess
import sys
from pathlib import Path

import rounds
import torch
from plain import PlainTimeAttention
from torch import Tensor, nn

from fleximodal.models.mtand import MultiTimeAttention

CHANNELS, ROWS, STEPS, HEADS, TIME_WIDTH, WIDTH = 30, 300, 48, 8, 64, 128
DENSITY = 0.3

GOALS = {32: (60.0, 1.8), 2: (50.0, 2.6)}
MEMORY_GOAL = 1 / 50


def make_pair(dropout: float) -> tuple[MultiTimeAttention, PlainTimeAttention]:
    """Return both forms with equal weights."""
    ours = MultiTimeAttention(
        time_width=TIME_WIDTH,
        value_width=CHANNELS,
        width=WIDTH,
        heads=HEADS,
        dropout=dropout,
        append_mask=True,
    )
    return ours, PlainTimeAttention(copy.deepcopy(ours))


def make_inputs(batch: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return query, key, value and mask; the first sample lacks the first channel."""
    query = torch.randn(STEPS, TIME_WIDTH)
    key = torch.randn(batch, ROWS, TIME_WIDTH, requires_grad=True)
    mask = (torch.rand(batch, ROWS, CHANNELS) < DENSITY).float()
    mask[0, :, 0] = 0
    return query, key, torch.randn(batch, ROWS, CHANNELS) * mask, mask


def step(module: nn.Module, inputs: tuple[Tensor, ...], cotangent: Tensor) -> Tensor:
    """Run forward and backward; return the output."""
    module.zero_grad()
    inputs[1].grad = None
    output: Tensor = module(*inputs)
    output.backward(cotangent)
    return output.detach()


def operations(batch: int) -> int:
    """Return the floating-point operations of one forward and backward."""
    points, columns = HEADS * STEPS, 2 * CHANNELS
    scores = batch * points * ROWS * (TIME_WIDTH // HEADS)
    means = batch * points * ROWS * columns
    output = batch * STEPS * HEADS * columns * WIDTH
    projections = batch * ROWS * TIME_WIDTH**2 + STEPS * TIME_WIDTH**2
    return 3 * 2 * (scores + means + output + projections)


def error_of(batch: int) -> float:
    """Return the largest relative difference of outputs and gradients."""
    pair, inputs = make_pair(dropout=0.0), make_inputs(batch)
    cotangent = torch.randn(batch, STEPS, WIDTH)
    found = []
    for module in pair:
        output = step(module, inputs, cotangent)
        # In exact arithmetic the bias of the keys has no gradient.
        parameters = dict(sorted(module.named_parameters()))
        grads = [p.grad for name, p in parameters.items() if name != "key.bias"]
        found.append([output, inputs[1].grad, *grads])
    return rounds.relative_error(list(zip(*found, strict=True)))


def report(name: str, batch: int, number: int) -> None:
    """Print one row."""
    error = error_of(batch)
    (ours, plain), inputs = make_pair(dropout=0.1), make_inputs(batch)
    cotangent = torch.randn(batch, STEPS, WIDTH)
    row = rounds.run(
        {
            "ours": lambda: step(ours, inputs, cotangent),
            "plain": lambda: step(plain, inputs, cotangent),
            "square": rounds.square(),
        },
        number,
    )
    floor = rounds.arithmetic(row, operations(batch))
    rounds.print_row(name, row, floor, error, GOALS[batch])


def extra_peak(which: str) -> float:
    """Return the bytes that one forward and backward at batch 32 adds at the peak."""
    pair, inputs = make_pair(dropout=0.1), make_inputs(32)
    cotangent = torch.randn(32, STEPS, WIDTH)
    module = pair[0] if which == "ours" else pair[1]
    step(module, make_inputs(1), cotangent[:1])  # libraries set themselves up
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = _status("VmRSS")
    step(module, inputs, cotangent)
    return _status("VmHWM") - before


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * float(next(line.split()[1] for line in lines if line.startswith(field)))


def report_memory() -> None:
    """Print both peaks; the allocator is the default one, which returns what is freed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    peaks = {
        which: float(
            subprocess.run(
                [sys.executable, __file__, "--memory", which],
                env=environment,
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        )
        for which in ("ours", "plain")
    }
    share = peaks["ours"] / peaks["plain"]
    verdict = "reached" if share <= MEMORY_GOAL else "missed"
    print(
        f"P7 extra peak memory, batch 32: ours {peaks['ours'] / 1e6:.0f} MB, plain "
        f"{peaks['plain'] / 1e6:.0f} MB, 1/{1 / share:.0f}, goal 1/{1 / MEMORY_GOAL:.0f}: {verdict}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--memory", choices=["ours", "plain"], help="print one peak in bytes")
    arguments = parser.parse_args()
    if arguments.memory:
        torch.set_num_threads(1)
        print(extra_peak(arguments.memory))
        return
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        rounds.print_head("Multi-time attention, forward and backward")
        report("P5 batch 32", 32, arguments.rounds)
        report("P6 batch 2", 2, arguments.rounds)
    report_memory()


if __name__ == "__main__":
    main()
