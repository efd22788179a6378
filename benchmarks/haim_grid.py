"""HAIM's choice of trees: shared bins, shorter runs read off longer ones, boosters side by side.

    python benchmarks/haim_grid.py --stays 2000 --features 100 --grid full --rounds 3

Against the exhaustive search, which fits each setting on each fold by itself with scikit-learn's
interface, both with the same number of threads, in the same process and in turn. The scores must
be the same bits. Wall time counts, as threads are the point; processor time stands beside it. The
full grid takes some minutes a round.
"""

import argparse
import logging
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import xgboost

from fleximodal.training.haim_grid import (
    GRIDS,
    Balance,
    cross_validate,
    folds_of,
    macro_auroc,
)

FOLDS = 5
SEED = 42
LOG = logging.getLogger("quiet")


def generate(stays: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return normal features of which ten bear on a label that 15 % of the stays have."""
    random = np.random.default_rng(0)
    table = random.normal(size=(stays, features)).astype(np.float32)
    risk = table[:, :10].sum(axis=1) + 3 * random.normal(size=stays)
    return table, (risk > np.quantile(risk, 0.85)).astype(np.int8)


def exhaustive(
    features: np.ndarray, labels: np.ndarray, grid: str, weight: float, threads: int
) -> np.ndarray:
    """Fit every setting on every fold by itself; return the AUROCs, (points, folds)."""
    result = np.empty((len(GRIDS[grid]), FOLDS))
    for fold, (fitted, held_out) in enumerate(folds_of(labels, FOLDS, SEED)):
        for row, point in enumerate(GRIDS[grid]):
            model = xgboost.XGBClassifier(
                tree_method="hist",
                scale_pos_weight=weight,
                random_state=SEED,
                n_jobs=threads,
                **asdict(point),
            ).fit(features[fitted], labels[fitted])
            scores = model.predict_proba(features[held_out])[:, 1]
            result[row, fold] = macro_auroc(labels[held_out], scores)
    return result


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """Return what `work` gives, its wall seconds and the processor seconds of the process."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def grown(grid: str) -> tuple[int, int]:
    """Return the trees that the two searches grow: the longest runs alone, and all."""
    longest: dict[tuple[int, float], int] = {}
    for point in GRIDS[grid]:
        key = point.max_depth, point.learning_rate
        longest[key] = max(point.n_estimators, longest.get(key, 0))
    every = sum(point.n_estimators for point in GRIDS[grid])
    return FOLDS * sum(longest.values()), FOLDS * every


def main() -> None:
    """Time both searches in turn, check that the scores are the same bits, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stays", type=int, default=2000)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--grid", choices=["full", "small"], default="full")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()

    features, labels = generate(arguments.stays, arguments.features)
    weight = float((labels == 0).sum() / (labels == 1).sum())
    grid, threads = arguments.grid, arguments.threads
    rounds = []
    for _ in range(arguments.rounds):
        ours, wall, cpu = timed(
            lambda: cross_validate(
                features,
                labels,
                GRIDS[grid],
                folds=FOLDS,
                balance=Balance(positive=weight),
                max_bins=256,
                seed=SEED,
                threads=threads,
                log=LOG,
            )
        )
        plain, plain_wall, plain_cpu = timed(
            lambda: exhaustive(features, labels, grid, weight, threads)
        )
        assert np.array_equal(ours, plain), "the searches do not give the same scores"
        rounds.append((wall, cpu, plain_wall, plain_cpu))

    wall, cpu, plain_wall, plain_cpu = (
        statistics.median(column) for column in zip(*rounds, strict=True)
    )
    ratio = statistics.median(one[2] / one[0] for one in rounds)
    trees, every = grown(grid)
    print(f"{features.shape[0]} x {features.shape[1]}, {threads} threads, scores the same bits")
    print(f"shared search {wall:.1f} s (processor {cpu:.1f} s), {trees} trees")
    print(f"exhaustive search {plain_wall:.1f} s (processor {plain_cpu:.1f} s), {every} trees")
    print(f"x{ratio:.2f} the speed, {trees / every:.2f} of the trees")


if __name__ == "__main__":
    main()
