"""Fit every replicate of one sample size: EM, polish, the likeliest end, its distance."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fleximodal.theory.box import make_box
from fleximodal.theory.em import EMResult, run_em
from fleximodal.theory.likelihood import Likelihood, Samples
from fleximodal.theory.mixture import Mixture
from fleximodal.theory.quasi_newton import Polished, polish
from fleximodal.theory.settings import Theory
from fleximodal.theory.truth import Truth, draw_starts
from fleximodal.theory.variation import expected_variation
from fleximodal.theory.voronoi import Comparison, compare


@dataclass(frozen=True)
class SizeFits:
    """All fits of one sample size and number of components; arrays have one entry per replicate.

    Attributes
    ----------
    mixture
        The fits.
    comparison
        The fits against the truth.
    loss_at_em
        Loss where EM stopped from the first starting point, as the printed rule would report it.
    numbers
        Further columns: value, value_of_truth, evaluations, em_iterations, variation, ...
    """

    mixture: Mixture
    comparison: Comparison
    loss_at_em: NDArray[np.float64]
    numbers: dict[str, NDArray[np.generic]]


def fit_size(
    truth: Truth,
    gate: str,
    samples: Samples,
    components: int,
    settings: Theory,
    threads: int = 1,
) -> SizeFits:
    """Fit `components` experts to every replicate of `samples`, from all starts at once."""
    replicates, starts = samples.y.shape[0], settings.starts
    replicate = torch.arange(replicates).repeat_interleave(starts)
    begin = draw_starts(
        truth,
        gate,
        components=components,
        size=samples.size,
        replicates=replicates,
        starts=starts,
        jitter=settings.jitter,
        seed=settings.seed,
    )
    likelihood = Likelihood(samples, gate, settings.top_k, threads)
    box = make_box(gate, components, truth.mixture.dimension, truth.support)
    em = run_em(
        likelihood,
        begin,
        replicate,
        box,
        tolerance=settings.em_tolerance,
        iterations=settings.em_iterations,
    )
    polished = polish(
        likelihood,
        em.mixture,
        replicate,
        box,
        tolerance=settings.tolerance,
        evaluations=settings.evaluations,
    )
    value = polished.value.reshape(replicates, starts)
    # Of equal values the first, whatever a library's argmax does with ties.
    best = torch.from_numpy(value.numpy().argmax(1)) + starts * torch.arange(replicates)
    first = starts * torch.arange(replicates)
    mixture = polished.mixture.take(best)
    comparison = compare(mixture, truth.mixture, gate, settings.top_k)
    stopped = compare(em.mixture.take(first), truth.mixture, gate, settings.top_k)
    whole = truth.mixture.take(torch.zeros(replicates, dtype=torch.int64))
    value_of_truth = likelihood.statistics(whole, torch.arange(replicates)).value
    numbers = _numbers(em, polished, best, starts) | {
        "value_of_truth": value_of_truth.numpy(),
        "at_edge": box.at_edge(mixture.pack()).sum(1).numpy(),
        "variation": expected_variation(
            mixture, truth.mixture, gate, truth.support, settings.top_k
        ),
    }
    return SizeFits(mixture, comparison, stopped.loss, numbers)


def _numbers(
    em: EMResult, polished: Polished, best: Tensor, starts: int
) -> dict[str, NDArray[np.generic]]:
    def per_replicate(flags: Tensor) -> NDArray[np.generic]:
        return flags.reshape(-1, starts).sum(1).numpy()

    return {
        "start": (best % starts).numpy(),
        "value": polished.value[best].numpy(),
        "converged": polished.converged[best].numpy(),
        "evaluations": polished.evaluations[best].numpy(),
        "em_iterations": em.iterations[best].numpy(),
        "starts": np.full(len(best), starts),
        "starts_not_converged": per_replicate(~polished.converged),
        "em_not_converged": per_replicate(~em.converged),
    }
