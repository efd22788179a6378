"""Fits of a mixture of experts: all replicates at once against loops over replicates.

    python benchmarks/theory_fit.py --replicates 10
    python benchmarks/theory_fit.py --whole --threads 2

Per sample size the over-specified Laplace fit (EM, then quasi-Newton, from the same starting
points on the same data) is timed three ways in turn, in processor seconds on one thread: batched
over replicates and starts; the same functions called for one replicate and start at a time; and a
plain loop in numpy with scipy's L-BFGS-B. The likelihoods they reach are compared. `--whole`
first runs the whole `identifiable` configuration (config/theory.yaml: ten sizes, 40 replicates,
two gates) and prints its wall time.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize

from fleximodal.theory.box import Box, make_box
from fleximodal.theory.em import run_em
from fleximodal.theory.likelihood import Likelihood, Samples
from fleximodal.theory.mixture import Mixture
from fleximodal.theory.quasi_newton import polish
from fleximodal.theory.settings import Theory
from fleximodal.theory.simulate import simulate
from fleximodal.theory.truth import draw_samples, draw_starts, make_truth

Floats = NDArray[np.float64]
GATE, COMPONENTS = "laplace", 3
SETTINGS = Theory()
CLOSE = 0.01  # median difference of the total log-likelihood; kinks part single fits by more


def batched(samples: Samples, starts: Mixture, replicate: torch.Tensor, box: Box) -> Floats:
    """Return the mean log-likelihood of every fit, made side by side."""
    likelihood = Likelihood(samples, GATE)
    em = run_em(
        likelihood,
        starts,
        replicate,
        box,
        tolerance=SETTINGS.em_tolerance,
        iterations=SETTINGS.em_iterations,
    )
    end = polish(
        likelihood,
        em.mixture,
        replicate,
        box,
        tolerance=SETTINGS.tolerance,
        evaluations=SETTINGS.evaluations,
    )
    return end.value.numpy()


def one_at_a_time(samples: Samples, starts: Mixture, replicate: torch.Tensor, box: Box) -> Floats:
    """Return the same from the same functions, called for one fit at a time."""
    values = []
    for fit, row in enumerate(replicate.tolist()):
        own = Samples(samples.x[row : row + 1], samples.y[row : row + 1])
        start = starts.take(torch.tensor([fit]))
        values.append(batched(own, start, torch.tensor([0]), box)[0])
    return np.array(values)


def plain_loop(samples: Samples, starts: Mixture, replicate: torch.Tensor, box: Box) -> Floats:
    """Return the same from numpy and scipy, one fit at a time."""
    bounds = list(zip(box.low.tolist(), box.high.tolist(), strict=True))
    values = []
    for fit, row in enumerate(replicate.tolist()):
        x, y = samples.x[row, 0].numpy(), samples.y[row].numpy()
        vector = np.clip(starts.pack()[fit].numpy(), box.low.numpy(), box.high.numpy())
        vector = plain_em(vector, x, y, box)
        for _ in range(3):  # begun anew, because a kink can end it early
            end = minimize(
                lambda v, x=x, y=y: tuple(-part for part in plain_value(v, x, y)[:2]),
                vector,
                jac=True,
                bounds=bounds,
                method="L-BFGS-B",
                options={"ftol": 1e-13, "gtol": 1e-9, "maxiter": 2000, "maxcor": 20},
            )
            vector = end.x
        values.append(-end.fun)
    return np.array(values)


def plain_value(vector: Floats, x: Floats, y: Floats) -> tuple[float, Floats, Floats]:
    """Return mean log-likelihood, gradient (W, beta, a, b, log nu) and responsibilities."""
    w, beta, a, b, log_nu = vector.reshape(5, -1)[:, :, None]
    scores = beta - np.abs(w - x)
    residual = y - a * x - b
    joint = scores - 0.5 * (residual**2 * np.exp(-log_nu) + log_nu + np.log(2 * np.pi))
    top_gate, top_joint = scores.max(0), joint.max(0)
    gate, weight = np.exp(scores - top_gate), np.exp(joint - top_joint)
    total_gate, total_joint = gate.sum(0), weight.sum(0)
    value = top_joint + np.log(total_joint) - top_gate - np.log(total_gate)
    r = weight / total_joint
    excess = r - gate / total_gate
    pull = r * residual * np.exp(-log_nu)
    slopes = [
        excess * np.sign(x - w),
        excess,
        pull * x,
        pull,
        0.5 * (pull * residual - r),
    ]
    gradient = np.concatenate([slope.mean(1) for slope in slopes])
    return float(value.mean()), gradient, r


def plain_em(vector: Floats, x: Floats, y: Floats, box: Box) -> Floats:
    """Return where EM with one gradient step for the gate stops."""
    value, gradient, r = plain_value(vector, x, y)
    size, design = 1.0, np.column_stack([x, np.ones_like(x)])
    low, high = box.low.numpy(), box.high.numpy()
    for _ in range(SETTINGS.em_iterations):
        experts = vector.reshape(5, -1).copy()
        for i, weight in enumerate(r):
            root = np.sqrt(weight)
            experts[2:4, i] = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
            residual = y - design @ experts[2:4, i]
            experts[4, i] = np.log((weight * residual**2).sum() / weight.sum())
        while True:
            trial = experts.copy()
            trial[:2] += size * gradient.reshape(5, -1)[:2]
            aim = np.clip(trial.ravel(), low, high)
            after, slope, share = plain_value(aim, x, y)
            if after >= value or size < 1e-6:
                break
            size /= 2
        gain = after - value
        size *= 1.5
        if gain > 0:
            vector, value, gradient, r = aim, after, slope, share
        if gain < SETTINGS.em_tolerance:
            break
    return vector


def seconds(work: Callable[[], Floats]) -> tuple[float, Floats]:
    """Return the processor seconds of one call, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def compare(size: int, replicates: int, starts: int) -> None:
    """Time the three ways at one sample size; print seconds and ratios."""
    truth = make_truth("identifiable", GATE, seed=0)
    samples = draw_samples(truth, GATE, size=size, replicates=replicates, seed=0)
    begin = draw_starts(
        truth,
        GATE,
        components=COMPONENTS,
        size=size,
        replicates=replicates,
        starts=starts,
        jitter=SETTINGS.jitter,
        seed=0,
    )
    replicate = torch.arange(replicates).repeat_interleave(starts)
    box = make_box(GATE, COMPONENTS, 1, truth.support)
    times, best = [], []
    for way in (batched, one_at_a_time, plain_loop):
        spent, values = seconds(lambda way=way: way(samples, begin, replicate, box))
        times.append(spent)
        best.append(values.reshape(replicates, starts).max(1))
    short = [float(size * np.median(best[0] - other)) for other in best[1:]]
    assert abs(short[0]) <= CLOSE, f"one at a time and batched differ by {short[0]}"
    print(
        f"n = {size:6d}: batched {times[0]:.2f} s; one at a time {times[1]:.2f} s "
        f"(x{times[1] / times[0]:.1f}); numpy and scipy {times[2]:.2f} s "
        f"(x{times[2] / times[0]:.1f}); their total log-likelihood falls short by "
        f"{short[0]:.4f} and {short[1]:.4f} (medians)"
    )


def whole(threads: int) -> None:
    """Run the `identifiable` configuration under both gates and print its wall time."""
    file = Path(__file__).resolve().parents[1] / "config" / "theory.yaml"
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))["theory"]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for gate in ("laplace", "softmax"):
            simulate(
                settings,
                Path(folder, gate),
                configuration="identifiable",
                gate=gate,
                threads=threads,
            )
    spent = time.perf_counter() - began
    print(f"identifiable, both gates, {threads} thread(s): {spent:.0f} s of wall time")


def main() -> None:
    """Unpack the arguments and print one line per sample size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 4642, 21544])
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="of --whole")
    parser.add_argument("--whole", action="store_true", help="also run the whole configuration")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.whole:
        whole(arguments.threads)
    for size in arguments.sizes:
        compare(size, arguments.replicates, arguments.starts)


if __name__ == "__main__":
    main()
