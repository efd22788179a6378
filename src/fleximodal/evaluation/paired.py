"""Paired comparison of cells that were tested on the same patients.

One draw of patients serves all cells, so that what makes a test part easy or hard for every method
cancels in the difference of two.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import erfc, sqrt
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import stdtr

from fleximodal import class_ranking as of_classes
from fleximodal import ranking as weighted
from fleximodal.class_ranking import ClassRanking, rank_classes
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.bootstrap import ELEMENTS_AT_ONCE, LEVEL, draw_weights
from fleximodal.evaluation.metrics import FIXED
from fleximodal.evaluation.predictions import RUN, is_multiclass, read_predictions, values_of
from fleximodal.ranking import Floats, Ranking, mean_of_known, rank

PART = "test"
METRICS: dict[str, Callable[[Ranking], Floats]] = {
    "auroc": weighted.auroc,
    "f1": lambda ranking: weighted.f1(ranking, FIXED),
    "accuracy": lambda ranking: weighted.accuracy(ranking, FIXED),
    "macro_f1": lambda ranking: weighted.macro_f1(ranking, FIXED),
}
METRICS_OF_CLASSES: dict[str, Callable[[ClassRanking], Floats]] = {
    "auroc": of_classes.auroc,
    "f1": of_classes.macro_f1,
    "accuracy": of_classes.accuracy,
    "macro_f1": of_classes.macro_f1,
}
Run = tuple[str, int]  # split, seed


@dataclass(frozen=True)
class Scored:
    """The test part of one run: patients (n,), labels (n, K) and scores (n, K).

    Of several classes labels are (n,), the number of the class, and scores (n, C).
    """

    patient_id: NDArray[np.int64]
    labels: NDArray[np.int8]
    scores: Floats


@dataclass(frozen=True)
class Replicated:
    """One metric of a cell: of each run, their mean, and that mean in each replicate, (R,).

    NaN where the metric does not exist; a mean over labels is over those that have it.
    """

    runs: Mapping[Run, float]
    mean: float
    replicates: Floats


@dataclass(frozen=True)
class Difference:
    """Mean over runs of one cell minus that of another.

    Attributes
    ----------
    value, low, high
        The difference and its 95 % percentile interval from resampled patients; None if undefined.
    p_patients
        Two-sided p-value of no difference: normal, with the deviation over replicates.
    p_seeds
        Two-sided p-value of Student's paired test over runs of the same split and seed; None for
        fewer than two. A cell with one run per split stands for all seeds of it.
    n_pairs
        Number of such pairs.
    """

    value: float | None
    low: float | None
    high: float | None
    p_patients: float | None
    p_seeds: float | None
    n_pairs: int


def read_tests(path: Path | str) -> dict[Run, Scored]:
    """Return the test part of each run of a cell from its predictions.parquet.

    Raises
    ------
    FleximodalError
        If the file cannot be evaluated (see `read_predictions`) or has no test part.
    """
    frame = read_predictions(path).filter(pl.col("part") == PART)
    if frame.is_empty():
        raise FleximodalError(f"{path}: has no test part; delete it and train the cell again")
    return tests_of(frame)


def tests_of(frame: pl.DataFrame) -> dict[Run, Scored]:
    """Return each run of the rows of a test part."""
    return {
        (str(split), int(str(seed))): Scored(
            rows["patient_id"].to_numpy(),
            _labels(rows).astype(np.int8),
            values_of(rows, "score").reshape(len(rows), -1).astype(np.float64),
        )
        for (split, seed), rows in frame.group_by(*RUN, maintain_order=True)
    }


def _labels(rows: pl.DataFrame) -> np.ndarray:
    labels = values_of(rows, "label")
    return labels if is_multiclass(rows) else labels.reshape(len(rows), -1)


def replicate(
    cells: Mapping[str, Mapping[Run, Scored]],
    metrics: Sequence[str],
    *,
    replicates: int,
    seed: int,
) -> dict[str, dict[str, Replicated]]:
    """Return metrics of all cells, of each replicate with one draw of patients for all.

    Parameters
    ----------
    cells
        The test parts of each cell's runs; their patients together are resampled, a patient drawn
        twice counting twice with all his stays in every run.
    metrics
        Names, of `METRICS`; of several labels their mean, of several classes as
        `fleximodal.class_ranking` has them.
    replicates, seed
        Number of resamples of patients, and the seed of their draw.

    Returns
    -------
    dict
        metric -> cell -> values.
    """
    parts = [part for runs in cells.values() for part in runs.values()]
    patients = np.unique(np.concatenate([part.patient_id for part in parts]))
    places = [np.searchsorted(patients, part.patient_id) for part in parts]
    widest = max(patients.size, *(part.patient_id.size for part in parts))
    at_once = max(1, ELEMENTS_AT_ONCE // widest)
    generator = np.random.default_rng(seed)
    exact = np.stack([_measure(part, None, metrics) for part in parts])[..., 0]
    drawn = []
    for start in range(0, replicates, at_once):
        weights = draw_weights(generator, min(at_once, replicates - start), patients.size)
        drawn.append(
            [
                _measure(part, np.take(weights, place, axis=1), metrics)
                for part, place in zip(parts, places, strict=True)
            ]
        )
    resampled = np.concatenate([np.stack(chunk) for chunk in drawn], axis=2)
    bounds = np.cumsum([0, *(len(runs) for runs in cells.values())])
    blocks = dict(zip(cells, pairwise(bounds), strict=True))
    return {
        metric: {
            cell: Replicated(
                dict(zip(cells[cell], exact[first:last, place].tolist(), strict=True)),
                float(exact[first:last, place].mean()),
                resampled[first:last, place].mean(axis=0),
            )
            for cell, (first, last) in blocks.items()
        }
        for place, metric in enumerate(metrics)
    }


def replicate_files(
    files: Mapping[str, Path | str],
    metrics: Sequence[str],
    *,
    replicates: int,
    seed: int,
) -> dict[str, dict[str, Replicated]]:
    """Return `replicate` of the test parts of stored predictions, nothing for no files.

    Parameters
    ----------
    files
        The predictions.parquet of each cell.
    metrics, replicates, seed
        As of `replicate`.

    Raises
    ------
    FleximodalError
        As `read_tests`.
    """
    tests = {cell: read_tests(path) for cell, path in files.items()}
    return replicate(tests, metrics, replicates=replicates, seed=seed) if tests else {}


def difference(left: Replicated, right: Replicated) -> Difference:
    """Return `left` minus `right`, of cells replicated together."""
    value = left.mean - right.mean
    drawn = left.replicates - right.replicates
    drawn = drawn[np.isfinite(drawn)]
    pairs = _pairs(left.runs, right.runs)
    if not np.isfinite(value) or drawn.size < 2:
        return Difference(None, None, None, None, None, len(pairs))
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = (float(end) for end in np.quantile(drawn, tails))
    return Difference(value, low, high, _normal(value, drawn), _student(pairs), len(pairs))


def _measure(part: Scored, weights: Floats | None, metrics: Sequence[str]) -> Floats:
    """Return metrics in each row of weights, means over labels, (metrics, R)."""
    if part.labels.ndim == 1:
        classes = rank_classes(part.labels, part.scores, weights)
        return np.stack([METRICS_OF_CLASSES[metric](classes) for metric in metrics])
    of_labels = []
    for label, score in zip(part.labels.T, part.scores.T, strict=True):
        ranking = rank(label, score, weights)
        of_labels.append([METRICS[metric](ranking) for metric in metrics])
    return mean_of_known(np.asarray(of_labels), axis=0)


def _pairs(left: Mapping[Run, float], right: Mapping[Run, float]) -> list[tuple[float, float]]:
    """Return the values of both sides for the runs of the side that has more."""
    found = []
    for run in max(left, right, key=len):
        first, second = _value(left, run), _value(right, run)
        if first is not None and second is not None:
            found.append((first, second))
    return found


def _value(runs: Mapping[Run, float], run: Run) -> float | None:
    """Return the value of a run, or of the only run of its split."""
    of_split = [value for (split, _), value in runs.items() if split == run[0]]
    return of_split[0] if len(of_split) == 1 else runs.get(run)


def _normal(value: float, drawn: Floats) -> float:
    deviation = float(drawn.std(ddof=1))
    if deviation == 0:
        return 1.0 if value == 0 else 0.0
    return erfc(abs(value) / deviation / sqrt(2))


def _student(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < 2:
        return None
    apart = np.asarray([first - second for first, second in pairs])
    error = float(apart.std(ddof=1)) / sqrt(apart.size)
    if error == 0:
        return 1.0 if apart.mean() == 0 else 0.0
    return float(2 * stdtr(apart.size - 1, -abs(float(apart.mean())) / error))
