"""Time the mixture-of-experts layer against a plain loop over experts and against its products.

Forward and backward of one layer: width 128, hidden 512, 16 experts, top 4, dropout 0.1, with 96,
384 and 6,144 tokens; and one wide token a sample (2 modalities x 48 points x 128), where one step
of 32 samples stands against 16 steps of 2 with accumulated gradients.

Every round runs all variants once, in rotating order. The clock is the CPU time of the process
with one thread and the wall clock with more. Printed are medians, the ratio of the medians, and
how many times the floor ours takes: the floor is the products alone, as square products of the
same round would do them.

    PYTHONPATH=src python benchmarks/moe_layer.py --threads 1 --rounds 9
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.gates import Routing
from fleximodal.models.sparse_moe import SparseMoE

EXPERTS, TOP_K, HIDDEN = 16, 4, 512
SQUARE = 1024


class PlainLoop(nn.Module):
    """The same layer as one module per expert; weights share the memory of `moe`."""

    def __init__(self, moe: SparseMoE) -> None:
        super().__init__()
        self.router, ours = moe.router, moe.experts
        self.first, self.second = nn.ModuleList(), nn.ModuleList()
        for expert in range(EXPERTS):
            first, second = nn.Linear(1, 1), nn.Linear(1, 1)
            first.weight = nn.Parameter(ours.weight1.detach()[expert])
            first.bias = nn.Parameter(ours.bias1.detach()[expert])
            second.weight = nn.Parameter(ours.weight2.detach()[expert].T)
            second.bias = nn.Parameter(ours.bias2.detach()[expert])
            self.first.append(first)
            self.second.append(second)
        self.rate = ours.dropout.rate
        self.width = ours.weight2.shape[2]

    def forward(self, tokens: list[Tensor]) -> tuple[Tensor, Routing]:
        """Mix one (N, width) tensor as `SparseMoE` does."""
        x = tokens[0]
        routing = self.router(x.unsqueeze(0))
        gates, result = routing.gates[0], x.new_zeros(len(x), self.width)
        for expert in range(EXPERTS):
            chosen = gates[:, expert].nonzero().squeeze(1)
            hidden = F.gelu(self.first[expert](x[chosen]))
            hidden = F.dropout(hidden, self.rate, self.training)
            output = self.second[expert](hidden)
            result = result.index_add(0, chosen, output * gates[chosen, expert, None])
        return result, routing


def make_layer(width: int, dropout: float) -> SparseMoE:
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
    )
    nn.init.normal_(moe.router.gate_weight, std=0.1)
    return moe


def step(layer: nn.Module, x: Tensor, cotangent: Tensor, pieces: int) -> None:
    """Run forward and backward, in `pieces` with accumulated gradients."""
    layer.zero_grad()
    for part, dy in zip(x.chunk(pieces), cotangent.chunk(pieces), strict=True):
        layer([part])[0].backward(dy)


def check_parity(width: int, tokens: int) -> float:
    """Return the largest relative difference of outputs and gradients, without dropout."""
    ours = make_layer(width, dropout=0.0).eval()
    plain = PlainLoop(ours).eval()
    x = torch.randn(tokens, width)
    dy = torch.randn(tokens, width)
    found = []
    for layer in (ours, plain):
        leaf = x.clone().requires_grad_()
        layer.zero_grad()
        layer([leaf])[0].backward(dy)
        gradients = {
            name: p.grad.clone() for name, p in layer.named_parameters() if p.grad is not None
        }
        found.append((leaf.grad, gradients))
    (ours_x, ours_all), (plain_x, plain_all) = found
    second = [plain_all[f"second.{expert}.weight"].T for expert in range(EXPERTS)]
    pairs = [
        (ours([x])[0], plain([x])[0]),
        (ours_x, plain_x),
        (ours_all["experts.weight2"], torch.stack(second)),
        (ours_all["router.gate_weight"], plain_all["router.gate_weight"]),
    ]
    return max(float(((a - b).abs().max() / b.abs().max()).detach()) for a, b in pairs)


def compare(
    variants: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Return the median time of each variant over interleaved rounds, the first one left out."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            start = clock()
            variants[name]()
            times[name].append(clock() - start)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def report(
    name: str, width: int, tokens: int, pieces: int, rounds: int, clock: Callable[[], float]
) -> None:
    """Print one row."""
    layer = make_layer(width, dropout=0.1)
    plain = PlainLoop(layer)
    x = torch.randn(tokens, width, requires_grad=True)
    dy = torch.randn(tokens, width)
    square = torch.randn(SQUARE, SQUARE)
    medians = compare(
        {
            "ours": lambda: step(layer, x, dy, 1),
            "plain": lambda: step(plain, x, dy, pieces),
            "square": lambda: square @ square,
        },
        rounds,
        clock,
    )
    products = 3 * TOP_K * 2 * 2 * tokens * width * HIDDEN
    floor = medians["square"] * products / (2 * SQUARE**3)
    print(
        f"{name:34s} {medians['ours'] * 1e3:9.1f} {medians['plain'] * 1e3:9.1f} "
        f"{medians['plain'] / medians['ours']:7.2f} {medians['ours'] / floor:8.2f} "
        f"{check_parity(width, min(tokens, 384)):9.1e}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    print(
        f"{'':34s} {'ours ms':>9s} {'plain ms':>9s} {'x plain':>7s} {'x floor':>8s} {'error':>9s}"
    )
    for tokens in (96, 384, 6144):
        report(f"{tokens} tokens, width 128", 128, tokens, 1, arguments.rounds, clock)
    wide = 2 * 48 * 128
    report(f"32 samples, width {wide}, vs 16 x 2", wide, 32, 16, min(arguments.rounds, 5), clock)


if __name__ == "__main__":
    main()
