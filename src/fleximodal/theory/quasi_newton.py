"""BFGS on the observed likelihood inside a box, for many fits side by side.

Every pass evaluates one trial point per fit, and each fit is at its own place in its own line
search, so that no fit waits for another. The line search brackets a weak Wolfe point; with it
BFGS also settles on the kinks that the Laplace gate has at every input (Lewis and Overton,
Nonsmooth optimization via quasi-Newton methods, 2013). The first metric is the mean outer product
of the samples' gradients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fleximodal.theory.box import Box
from fleximodal.theory.likelihood import Likelihood, gradient
from fleximodal.theory.mixture import Mixture, unpack

ARMIJO, CURVATURE = 1e-4, 0.9
TRIALS = 20  # points tried along one direction before it is given up
PATIENCE = 3  # steps in a row below the tolerance that end a descent
RIDGE = (1e-8, 1e-6)  # added to the diagonal of the first metric: absolute, and as a share of it


@dataclass(frozen=True)
class Polished:
    """Where the polish stopped.

    Attributes
    ----------
    mixture
        F mixtures.
    value
        Mean log-likelihood, (F,).
    evaluations
        Passes over the data that each fit took, (F,).
    converged
        Whether a second descent, with a metric made anew, gained less than the tolerance, (F,).
    """

    mixture: Mixture
    value: Tensor
    evaluations: Tensor
    converged: Tensor


def polish(
    likelihood: Likelihood,
    start: Mixture,
    replicate: Tensor,
    box: Box,
    *,
    tolerance: float,
    evaluations: int,
) -> Polished:
    """Maximise the observed likelihood from F starting points.

    Parameters
    ----------
    likelihood
        Observed likelihood on the data of all replicates.
    start, replicate
        F starting points, and the replicate of each, (F,).
    box
        Parameter space.
    tolerance
        A descent ends after three steps in a row that gain less mean log-likelihood, or when a
        direction does not even promise more. It is then repeated from where it ended until a
        whole descent gains less.
    evaluations
        Most passes over the data per fit; a fit that needs more has not converged.
    """
    descents = _Descents(likelihood, start, replicate, box)
    while True:
        active = torch.nonzero(~descents.converged & (descents.used < evaluations)).squeeze(1)
        if not len(active):
            break
        descents.advance(active, tolerance)
    mixture = unpack(descents.place, start.components, start.dimension)
    return Polished(mixture, -descents.value, descents.used, descents.converged)


class _Descents:
    """The state of F descents of the negative log-likelihood; every tensor has one row per fit."""

    def __init__(self, likelihood: Likelihood, start: Mixture, replicate: Tensor, box: Box) -> None:
        self.likelihood, self.replicate, self.box = likelihood, replicate, box
        self.shape = (start.components, start.dimension)
        self.movable = box.low < box.high
        fits = len(replicate)
        every = torch.arange(fits)
        self.place = box.clip(start.pack())
        self.value, self.slope = self._evaluate(self.place, every)
        self.metric = self._first_metric(every)
        self.used = torch.ones(fits, dtype=torch.int64)
        self.converged = torch.zeros(fits, dtype=torch.bool)
        self.begun = self.value.clone()  # value where the descent began
        self.descent = torch.zeros(fits, dtype=torch.int64)
        self.small = torch.zeros(fits, dtype=torch.int64)  # small steps in a row
        self.direction = torch.zeros_like(self.place)
        self.step, self.low = torch.ones_like(self.value), torch.zeros_like(self.value)
        self.high = torch.full_like(self.value, torch.inf)
        self.trials = torch.zeros(fits, dtype=torch.int64)
        self._turn(every)

    def advance(self, fits: Tensor, tolerance: float) -> None:
        """Evaluate one trial point of each of these fits and draw the consequences."""
        here = self.place[fits]
        aim = here + self.step[fits].unsqueeze(-1) * self.direction[fits]
        trial = self.box.clip(aim)
        value, slope = self._evaluate(trial, fits)
        self.used[fits] += 1
        self.trials[fits] += 1
        moved = trial - here
        foreseen = (moved * self.slope[fits]).sum(1)
        lower = (value <= self.value[fits] + ARMIJO * foreseen) & (foreseen < 0)
        flatter = (slope * moved).sum(1) >= CURVATURE * foreseen
        exhausted = self.trials[fits] >= TRIALS
        taken = lower & (flatter | (aim != trial).any(1) | exhausted)
        self._bracket(fits, lower)
        gain = self.value[fits] - value
        hopeless = exhausted | (~lower & (-foreseen < tolerance))
        accepted, failed = fits[taken], fits[~taken & hopeless]
        self._bend(accepted, trial[taken], moved[taken], (slope - self.slope[fits])[taken])
        self.place[accepted], self.value[accepted] = trial[taken], value[taken]
        self.slope[accepted] = slope[taken]
        small = torch.where(gain[taken] < tolerance, self.small[accepted] + 1, 0)
        self.small[accepted] = small
        self._end(torch.cat([accepted[small >= PATIENCE], failed]), tolerance)
        self._turn(torch.cat([accepted, failed]))

    def _evaluate(self, place: Tensor, fits: Tensor) -> tuple[Tensor, Tensor]:
        mixture = unpack(place, *self.shape)
        statistics = self.likelihood.statistics(mixture, self.replicate[fits])
        return -statistics.value, -gradient(statistics, mixture) * self.movable

    def _first_metric(self, fits: Tensor) -> Tensor:
        """Return the inverse of the mean outer product of gradients, 1 for what is fixed."""
        mixture = unpack(self.place[fits], *self.shape)
        information = self.likelihood.information(mixture, self.replicate[fits])
        information = information * self.movable * self.movable.unsqueeze(-1)
        diagonal = information.diagonal(dim1=1, dim2=2)
        ridge = RIDGE[0] + RIDGE[1] * diagonal + (~self.movable).to(diagonal.dtype)
        return torch.linalg.inv(information + torch.diag_embed(ridge))

    def _bracket(self, fits: Tensor, lower: Tensor) -> None:
        """Narrow the interval that holds a weak Wolfe point and choose the next step in it."""
        step = self.step[fits]
        self.low[fits] = torch.where(lower, step, self.low[fits])
        self.high[fits] = torch.where(lower, self.high[fits], step)
        middle = 0.5 * (self.low[fits] + self.high[fits])
        self.step[fits] = torch.where(torch.isinf(self.high[fits]), 2 * step, middle)

    def _bend(self, fits: Tensor, trial: Tensor, moved: Tensor, bent: Tensor) -> None:
        """Update the inverse metric (BFGS) where the slope has bent the right way."""
        bent = bent * ~(self.box.at_edge(trial) & (moved == 0))
        product = (moved * bent).sum(1)
        good = product > 1e-10 * moved.norm(dim=1) * bent.norm(dim=1)
        scale = torch.where(good, 1 / torch.where(good, product, 1.0), 0.0)[:, None, None]
        eye = torch.eye(moved.shape[1], dtype=moved.dtype)
        shear = eye - scale * moved.unsqueeze(2) * bent.unsqueeze(1)
        outer = scale * moved.unsqueeze(2) * moved.unsqueeze(1)
        self.metric[fits] = shear @ self.metric[fits] @ shear.transpose(1, 2) + outer

    def _end(self, fits: Tensor, tolerance: float) -> None:
        """End descents; begin a second one unless this one was a second that gained nothing."""
        gained = self.begun[fits] - self.value[fits]
        done = (gained < tolerance) & (self.descent[fits] > 0)
        self.converged[fits[done]] = True
        again = fits[~done]
        if len(again):
            self.metric[again] = self._first_metric(again)
            self.begun[again] = self.value[again]
            self.small[again] = 0
            self.descent[again] += 1

    def _turn(self, fits: Tensor) -> None:
        """Choose a new direction; parameters that would leave the box stay on its edge."""
        slope = self.slope[fits]
        free = self.box.free(self.place[fits], -slope) & self.movable
        down = -(self.metric[fits] @ (slope * free).unsqueeze(-1)).squeeze(-1)
        self.direction[fits] = down * free
        self.step[fits], self.low[fits], self.high[fits] = 1.0, 0.0, torch.inf
        self.trials[fits] = 0
