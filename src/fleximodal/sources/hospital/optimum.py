"""The best AUROC that any score can reach, per task and set of modalities.

The best score is the probability of the label given all that the modalities of the set show of a
stay: x_m and w_m where the modality is present in the window, which of them are present, and, of
the length of stay, what the window shows (that it exceeds the window, or its value where the window
does not end before the stay). It is an integral over the severity (trapezoid rule) and over the
private states that are not seen, whose sum is normal.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from scipy.special import expit, ndtri

from fleximodal.sources.auroc import expected_auroc, sample_auroc
from fleximodal.sources.hospital.latents import Latents, draw_reference, in_first_day
from fleximodal.sources.hospital.model import (
    EARLY_DAYS,
    MODALITIES,
    LatentModel,
    latent_model,
    normal_grid,
)

REFERENCE_STAYS = 20_000
_REFERENCE_SEED = 20_240_203
_REFERENCE_OF_TASK = 9_000
_CHUNK = 20_000
_LOS_LIMIT_DAYS = 4.0


@dataclass(frozen=True)
class Task:
    """One task: name, least length of a stay, end of the window (both in days; inf: no end)."""

    name: str
    min_days: float
    window: float


TASKS = {
    "mimic4": (
        Task("48-IHM", EARLY_DAYS, EARLY_DAYS),
        Task("LOS", EARLY_DAYS, EARLY_DAYS),
        Task("25-PHE", 0.0, np.inf),
    ),
    "mimic3": (
        Task("48-IHM", EARLY_DAYS, EARLY_DAYS),
        Task("LOS", EARLY_DAYS, EARLY_DAYS),
        Task("25-PHE", 0.0, 1.0),
    ),
}
SHOWN = {"mimic4": MODALITIES, "mimic3": MODALITIES[:2]}


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return all sets of one or more modalities, each in the fixed order."""
    return [s for size in range(1, len(names) + 1) for s in combinations(names, size)]


def in_task(task: Task, latents: Latents) -> np.ndarray:
    """Return which stays belong to the task's cohort, shape (n,)."""
    return latents.rows & (latents.days >= task.min_days)


def labels(task: Task, latents: Latents) -> np.ndarray:
    """Return the labels, shape (n, 1) or (n, 25)."""
    if task.name == "25-PHE":
        return latents.phenotypes
    if task.name == "LOS":
        return ((latents.days < _LOS_LIMIT_DAYS) & ~latents.died)[:, None]
    return latents.died[:, None]


def seen(task: Task, latents: Latents) -> np.ndarray:
    """Return which modalities have an item in the task's window, shape (n, 4)."""
    if task.window < EARLY_DAYS:
        return latents.first_day
    return latents.early | latents.late if np.isinf(task.window) else latents.early


def best_scores(
    model: LatentModel, task: Task, latents: Latents, modalities: tuple[str, ...]
) -> np.ndarray:
    """Return the probability of each label given what the modalities show, (n, 1) or (n, 25)."""
    chosen = [MODALITIES.index(name) for name in modalities]
    parts = []
    for start in range(0, max(len(latents.u), 1), _CHUNK):
        part = latents.of(np.arange(start, min(start + _CHUNK, len(latents.u))))
        parts.append(_scores(model, task, part, chosen))
    return np.concatenate(parts)


def _scores(model: LatentModel, task: Task, latents: Latents, chosen: list[int]) -> np.ndarray:
    u, prior = normal_grid()
    shown = np.zeros((len(latents.u), len(MODALITIES)), dtype=bool)
    shown[:, chosen] = seen(task, latents)[:, chosen]
    log_weight = _log_likelihood_of_presence(model, task, latents, chosen, u) + np.log(prior)
    precision = (shown / model.sigma**2).sum(axis=1)
    total = (np.where(shown, latents.x, 0) / model.sigma**2).sum(axis=1)
    log_weight += total[:, None] * u - precision[:, None] * u**2 / 2
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    w = np.where(shown, latents.w, 0)
    if task.name == "25-PHE":
        return _of_phenotypes(model, u, weight, w, shown)
    dies = np.empty_like(weight)
    code = shown @ (1 << np.arange(len(MODALITIES)))
    for pattern in np.unique(code):
        members = code == pattern
        hidden = ~shown[members][0]
        spread = float(np.sqrt((model.death_w[hidden] ** 2).sum()))
        log_odds = model.death_0 + model.death_u * u + (w[members] @ model.death_w)[:, None]
        dies[members] = blurred(spread, log_odds)
    if task.name == "LOS":
        at_limit, at_start = (model.longer(u, days) for days in (_LOS_LIMIT_DAYS, EARLY_DAYS))
        dies = (1 - dies) * (1 - at_limit / at_start)
    return np.round((weight * dies).sum(axis=1, keepdims=True), 12)


def _of_phenotypes(
    model: LatentModel, u: np.ndarray, weight: np.ndarray, w: np.ndarray, shown: np.ndarray
) -> np.ndarray:
    scores = np.empty((len(weight), len(model.phenotype_0)))
    for k, m in enumerate(model.phenotype_m):
        on_u = model.phenotype_0[k] + model.phenotype_u[k] * u
        scores[:, k] = weight @ blurred(float(abs(model.phenotype_w[k])), on_u)
        with_own = shown[:, m]
        own = (model.phenotype_w[k] * w[with_own, m])[:, None]
        scores[with_own, k] = (weight[with_own] * expit(on_u + own)).sum(axis=1)
    return np.round(scores, 12)


def _log_likelihood_of_presence(
    model: LatentModel, task: Task, latents: Latents, chosen: list[int], u: np.ndarray
) -> np.ndarray:
    """Return the log-likelihood of presence pattern and shown length at each `u`, (n, points)."""
    result = np.empty((len(latents.u), len(u)))
    known = latents.days < task.window
    # The early items alone tell of the severity: later ones depend on the length of stay only.
    visible = latents.first_day if task.window < EARLY_DAYS else latents.early
    days = latents.days[known][:, None]
    centre = model.los_0 + model.los_u * u
    log_likelihood = -(((np.log(days) - centre) / model.los_s) ** 2) / 2
    for m in chosen:
        present = visible[known, m][:, None]
        probability = _presence(model, task, m, u, days)
        log_likelihood = log_likelihood + np.log(
            np.where(present, probability, 1 - probability) + 1e-300
        )
    result[known] = log_likelihood
    # Stays that outlast the window, by pattern: integrate over the lengths beyond it.
    longer = np.flatnonzero(~known)
    code = visible[longer][:, chosen] @ (1 << np.arange(len(chosen)))
    quantiles = (np.arange(64) + 0.5) / 64
    tail = model.longer(u, task.window) if len(longer) else np.ones(len(u))
    beyond = np.exp(centre[:, None] - model.los_s * ndtri(tail[:, None] * quantiles))
    for pattern in np.unique(code):
        likelihood = np.ones(beyond.shape)
        for position, m in enumerate(chosen):
            probability = _presence(model, task, m, u[:, None], beyond)
            likelihood *= probability if pattern >> position & 1 else 1 - probability
        result[longer[code == pattern]] = np.log(tail * likelihood.mean(axis=1) + 1e-300)
    return result


def _presence(
    model: LatentModel, task: Task, m: int, u: np.ndarray, days: np.ndarray
) -> np.ndarray:
    early = model.early(m, u, days)
    return early * in_first_day(m, days) if task.window < EARLY_DAYS else early


_NODES, _WEIGHTS = normal_grid(81, 6.0)
_LOG_ODDS = np.linspace(-30, 30, 6001)


@cache
def _table(spread: float) -> np.ndarray:
    table: np.ndarray = expit(_LOG_ODDS[:, None] + spread * _NODES) @ _WEIGHTS
    return table


def blurred(spread: float, log_odds: np.ndarray) -> np.ndarray:
    """Return the mean of logistic(log_odds + spread * z) over standard normal z."""
    if spread == 0:
        exact: np.ndarray = expit(log_odds)
        return exact
    return np.interp(log_odds, _LOG_ODDS, _table(spread))


@cache
def _expected(source: str) -> dict[str, dict[str, float]]:
    """Return the expected AUROC by task and set of modalities, in a large draw from the model."""
    model = latent_model()
    everyone = draw_reference(np.random.default_rng(_REFERENCE_SEED), model, REFERENCE_STAYS)
    result: dict[str, dict[str, float]] = {}
    for task in TASKS[source]:
        members = everyone.of(np.flatnonzero(in_task(task, everyone))[:_REFERENCE_OF_TASK])
        result[task.name] = {
            "+".join(names): expected_auroc(best_scores(model, task, members, names))
            for names in subsets(SHOWN[source])
        }
    return result


def best_aurocs(source: str, latents: Latents) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return, per task and set of modalities, the best AUROC: expected, and in these stays.

    Parameters
    ----------
    source
        `mimic4` or `mimic3`.
    latents
        Truth of the generated stays.

    Returns
    -------
    dict
        Task -> set ("vitals+notes") -> {"expected", "sample"}; for 25-PHE the mean over labels (in
        the sample: over labels of which both classes occur). `sample` is null where none does.
    """
    model = latent_model()
    expected = _expected(source)
    result: dict[str, dict[str, dict[str, float | None]]] = {}
    for task in TASKS[source]:
        members = latents.of(in_task(task, latents))
        label = labels(task, members)
        result[task.name] = {
            name: {
                "expected": value,
                "sample": sample_auroc(
                    best_scores(model, task, members, tuple(name.split("+"))), label
                ),
            }
            for name, value in expected[task.name].items()
        }
    return result
