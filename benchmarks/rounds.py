"""Variants of one job in interleaved rounds, and the row that each goal gets.

Every round runs every variant once, in rotating order. With one thread the clock is the CPU time
of the process, with more it is the wall. Ratios are formed within a round; printed are medians. A
round counts if other processes used less than 15 % of the processors meanwhile; where no three
do, all count, and the row says ``busy``.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_QUIET = 0.15
_SQUARE = 1024
_ALLOCATOR = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_")

# A figure counts only if both sides agree to this, relative to the largest number.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Row:
    """Seconds of each variant in each round, and whether others left the machine alone."""

    seconds: dict[str, list[float]]
    quiet: bool

    def median(self, name: str) -> float:
        """Return the median time of a variant."""
        return statistics.median(self.seconds[name])

    def ratio(self, slow: str, fast: str) -> float:
        """Return the median ratio of two variants of the same round."""
        pairs = zip(self.seconds[slow], self.seconds[fast], strict=True)
        return statistics.median(a / b for a, b in pairs)


def run(variants: dict[str, Callable[[], object]], rounds: int) -> Row:
    """Run all variants in `rounds` rounds after one that is left out."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    names = list(variants)
    taken: list[tuple[float, dict[str, float]]] = []
    for number in range(rounds + 1):
        busy, own, wall = _busy_seconds(), time.process_time(), time.perf_counter()
        seconds = {}
        for name in names[number % len(names) :] + names[: number % len(names)]:
            start = clock()
            variants[name]()
            seconds[name] = clock() - start
        wall, own = time.perf_counter() - wall, time.process_time() - own
        others = _busy_seconds() - busy - own
        taken.append((others / (wall * (os.cpu_count() or 1)), seconds))
    quiet = [seconds for share, seconds in taken[1:] if share < _QUIET]
    kept = quiet if len(quiet) >= min(3, rounds) else [seconds for _, seconds in taken[1:]]
    return Row({name: [one[name] for one in kept] for name in names}, kept is quiet)


def _busy_seconds() -> float:
    with open("/proc/stat") as lines:
        user, nice, system, _, _, irq, soft, steal = map(int, lines.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def square() -> Callable[[], Tensor]:
    """Return a square product, whose rate is the arithmetic floor."""
    matrix = torch.randn(_SQUARE, _SQUARE)
    return lambda: matrix @ matrix


def arithmetic(row: Row, operations: float) -> float:
    """Return the seconds that `operations` take at the rate of the variant ``square``."""
    return row.median("square") * operations / (2 * _SQUARE**3)


def copying(numbers: int) -> tuple[Callable[[], Tensor], Callable[[Row, float], float]]:
    """Return a copy of `numbers` floats, and how long a number of bytes takes at its rate."""
    source, target = torch.ones(numbers), torch.ones(numbers)
    return lambda: target.copy_(source), lambda row, size: row.median("copy") * size / (8 * numbers)


def relative_error(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Return the largest difference of two tensors, relative to the second's largest number."""
    return max(float(((a - b).abs().max() / b.abs().max()).detach()) for a, b in pairs)


def print_head(title: str) -> None:
    """Print how was measured, and the names of the columns."""
    threads = torch.get_num_threads()
    clock = "CPU time" if threads == 1 else "wall"
    allocator = ", ".join(f"{name}={os.environ.get(name, 'unset')}" for name in _ALLOCATOR)
    print(f"\n{title}: {threads} thread(s), {clock}; {allocator}; torch {torch.__version__}")
    columns = ("ours ms", "plain ms", "x plain", "goal", "floor ms", "x floor", "goal", "error")
    print(f"{'':40s}" + "".join(f"{column:>10s}" for column in columns))


def print_row(
    name: str, row: Row, floor: float, error: float, goals: tuple[float, float] | None
) -> None:
    """Print one row.

    `floor` is in seconds; `goals` are the ratios wanted, to plain at least and to the floor at
    most, or None.
    """
    ours, plain = row.median("ours"), row.median("plain")
    ratio, to_floor = row.ratio("plain", "ours"), ours / floor
    wanted = ("", "") if goals is None else (f">={goals[0]:g}", f"<={goals[1]:g}")
    verdict = ""
    if goals is not None:
        met = (ratio >= goals[0], to_floor <= goals[1])
        verdict = "reached" if all(met) else f"missed: {'floor' if met[0] else 'plain'}"
        verdict = "missed: both" if not any(met) else verdict
    if not row.quiet:
        verdict += " (busy)"
    print(
        f"{name:40s}{ours * 1e3:10.1f}{plain * 1e3:10.1f}{ratio:10.2f}{wanted[0]:>10s}"
        f"{floor * 1e3:10.1f}{to_floor:10.2f}{wanted[1]:>10s}{error:10.0e}  {verdict}",
        flush=True,
    )
