"""Time the mixture-of-experts layer against a plain loop over experts and against its products.

Forward and backward of one layer: 16 experts, top 4, hidden 512, Laplace gate, dropout 0.1, tokens
of width 128 (goals P1 to P3 for 96, 384 and 6,144 of them), once as the released code combines
outputs (in log space, for which the goals are set), once linearly. With `--wide`, one token a
sample (goal P4): one step of 32 samples against 16 of 2 with accumulated gradients, for 2 and 3
modalities of 48 points x 128; some 5 GB.

The floor is the products alone at the rate of a square product of the same round, or, for wide
tokens, reading both weights twice and writing their gradients at the rate of a copy, if that is
longer. `rounds.py` says how rounds are run. Each row is checked first, without dropout: outputs
and all gradients.

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 \
        PYTHONPATH=src python benchmarks/moe_layer.py --threads 1 2 --rounds 15
"""

import argparse
import copy

import rounds
import torch
from plain import gradients_of, make_plain
from torch import Tensor, nn

from fleximodal.models.experts import ExpertOutput
from fleximodal.models.sparse_moe import SparseMoE

EXPERTS, TOP_K, HIDDEN = 16, 4, 512
WIDTH, STEPS = 128, 48

GOALS = {96: (3.0, 3.5), 384: (2.0, 2.3), 6144: (1.8, 1.45)}
WIDE_GOAL = (12.0, 3.0)


def make_layer(width: int, output: ExpertOutput, dropout: float = 0.1) -> SparseMoE:
    """Return a layer whose gate matrices are not zero, so that experts get unequal shares."""
    moe = SparseMoE(
        design="joint",
        modalities=1,
        input_width=width,
        output_width=width,
        gate="laplace",
        experts=EXPERTS,
        top_k=TOP_K,
        hidden=HIDDEN,
        dropout=dropout,
        output=output,
    )
    nn.init.normal_(moe.router.gate_weight, std=0.1)
    return moe


def step(layer: nn.Module, x: Tensor, cotangent: Tensor, pieces: int = 1) -> None:
    """Run forward and backward, in `pieces` with accumulated gradients."""
    layer.zero_grad()
    for part, dy in zip(x.chunk(pieces), cotangent.chunk(pieces), strict=True):
        layer([part])[0].backward(dy)


def error_of(width: int, output: ExpertOutput, tokens: int, pieces: int = 1) -> float:
    """Return the largest relative difference of outputs and gradients, without noise."""
    ours = make_layer(width, output, dropout=0.0).eval()
    plain = make_plain(copy.deepcopy(ours))
    x, dy = torch.randn(2, tokens, width).unbind()
    pairs = [(ours([x])[0].detach(), plain([x])[0].detach())]
    found = []
    for layer, times in ((ours, 1), (plain, pieces)):
        leaf = x.clone().requires_grad_()
        step(layer, leaf, dy, times)
        found.append([leaf.grad, *(gradient.clone() for gradient in gradients_of(layer))])
    # Weights of the noise have no gradient where there is no noise.
    pairs += [(a, b) for a, b in zip(*found, strict=True) if b.any()]
    return rounds.relative_error(pairs)


def report(name: str, tokens: int, output: ExpertOutput, number: int) -> None:
    """Print one row of tokens of width 128."""
    error = error_of(WIDTH, output, tokens)
    layer = make_layer(WIDTH, output)
    plain = make_plain(copy.deepcopy(layer))
    x = torch.randn(tokens, WIDTH, requires_grad=True)
    dy = torch.randn(tokens, WIDTH)
    row = rounds.run(
        {
            "ours": lambda: step(layer, x, dy),
            "plain": lambda: step(plain, x, dy),
            "square": rounds.square(),
        },
        number,
    )
    floor = rounds.arithmetic(row, 3 * TOP_K * 2 * 2 * tokens * WIDTH * HIDDEN)
    goals = GOALS[tokens] if output == "log_softmax" else None
    rounds.print_row(name, row, floor, error, goals)


def report_wide(name: str, modalities: int, output: ExpertOutput, number: int) -> None:
    """Print one row of 32 wide tokens."""
    width, samples, pieces = modalities * STEPS * WIDTH, 32, 16
    # As many numbers are summed for a gradient; the check takes experts of the same width.
    error = error_of(width, output, samples, pieces)
    layer = make_layer(width, output)
    plain = make_plain(copy.deepcopy(layer))
    x = torch.randn(samples, width, requires_grad=True)
    dy = torch.randn(samples, width)
    copied, seconds = rounds.copying(1 << 26)
    row = rounds.run(
        {
            "ours": lambda: step(layer, x, dy),
            "plain": lambda: step(plain, x, dy, pieces),
            "square": rounds.square(),
            "copy": copied,
        },
        number,
    )
    weights = 2 * EXPERTS * width * HIDDEN
    products = rounds.arithmetic(row, 3 * TOP_K * 2 * 2 * samples * width * HIDDEN)
    floor = max(products, seconds(row, 3 * 4 * weights))
    goals = WIDE_GOAL if output == "log_softmax" else None
    rounds.print_row(name, row, floor, error, goals)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--wide", action="store_true", help="one wide token a sample instead")
    parser.add_argument("--modalities", type=int, nargs="+", default=[2, 3])
    arguments = parser.parse_args()
    outputs: tuple[ExpertOutput, ...] = ("log_softmax", "linear")
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        rounds.print_head("MoE layer, forward and backward")
        for output in outputs:
            if arguments.wide:
                for modalities in arguments.modalities:
                    name = f"P4 32 x {modalities * STEPS * WIDTH} vs 16 x 2, {output}"
                    report_wide(name, modalities, output, arguments.rounds)
                continue
            for number, tokens in enumerate(GOALS, 1):
                report(f"P{number} {tokens} tokens, {output}", tokens, output, arguments.rounds)


if __name__ == "__main__":
    main()
