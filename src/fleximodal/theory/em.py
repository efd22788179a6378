"""EM: experts in closed form, one gradient step for the gate; the likelihood never falls."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fleximodal.theory.box import LINEAR, VARIANCE, Box
from fleximodal.theory.likelihood import Likelihood, Statistics, squared_residual
from fleximodal.theory.mixture import Mixture, unpack

SMALLEST_MASS = 1e-10  # an expert with less than this share of the data keeps its parameters
SMALLEST_STEP = 1e-6


@dataclass(frozen=True)
class EMResult:
    """Where EM stopped.

    Attributes
    ----------
    mixture
        F mixtures.
    value
        Mean log-likelihood, (F,).
    iterations
        Accepted steps, (F,).
    converged
        Whether the last gain was below the tolerance, (F,).
    """

    mixture: Mixture
    value: Tensor
    iterations: Tensor
    converged: Tensor


def run_em(
    likelihood: Likelihood,
    start: Mixture,
    replicate: Tensor,
    box: Box,
    *,
    tolerance: float,
    iterations: int,
) -> EMResult:
    """Run EM on F fits side by side; a fit that has stopped costs nothing more.

    Parameters
    ----------
    likelihood
        Observed likelihood on the data of all replicates.
    start, replicate
        F starting points, and the replicate of each, (F,).
    box
        Parameter space.
    tolerance
        A fit stops when its mean log-likelihood gains less in one step.
    iterations
        Most steps per fit.
    """
    k, d = start.components, start.dimension
    position = box.clip(start.pack())
    value = torch.full((len(position),), -torch.inf, dtype=position.dtype)
    taken = torch.zeros(len(position), dtype=torch.int64)
    converged = torch.zeros(len(position), dtype=torch.bool)
    active = torch.arange(len(position))
    here = likelihood.statistics(unpack(position, k, d), replicate)
    value[:] = here.value
    size = torch.ones(len(position), dtype=position.dtype)
    while len(active):
        old = unpack(position[active], k, d)
        gate_step = size[active]
        experts = expert_step(here, old)
        after, there = _ascend(likelihood, old, experts, here, gate_step, replicate[active], box)
        size[active] = gate_step
        gain = there.value - value[active]
        position[active] = after
        value[active] = there.value
        taken[active] += 1
        converged[active] = gain < tolerance
        go_on = (gain >= tolerance) & (taken[active] < iterations)
        active, here = active[go_on], there.take(go_on)
    return EMResult(unpack(position, k, d), value, taken, converged)


def expert_step(statistics: Statistics, mixture: Mixture) -> Mixture:
    """Return the mixture with every expert refitted by weighted least squares.

    An expert with almost no data stays as it is. A line that would leave the box is not taken; the
    variance is the weighted residual variance about the line, moved into the box.
    """
    m = statistics.moments
    mass = m[..., -2, -2]
    z, zy = m[..., :-1, :-1], m[..., :-1, -1:]
    trace = z.diagonal(dim1=-2, dim2=-1).sum(-1).clamp_min(SMALLEST_MASS)
    eye = torch.eye(z.shape[-1], dtype=z.dtype)
    best = torch.linalg.solve(z + 1e-12 * trace[..., None, None] * eye, zy).squeeze(-1)
    before = torch.cat([mixture.slope, mixture.intercept.unsqueeze(-1)], dim=-1)
    weighty = mass > SMALLEST_MASS
    taken = weighty & (best.abs() <= LINEAR).all(-1)
    line = torch.where(taken.unsqueeze(-1), best, before)
    variance = squared_residual(m, line) / mass.clamp_min(SMALLEST_MASS)
    spread = torch.where(weighty, variance.clamp(*VARIANCE).log(), mixture.log_variance)
    return Mixture(mixture.centre, mixture.bias, line[..., :-1], line[..., -1], spread)


def _ascend(
    likelihood: Likelihood,
    old: Mixture,
    experts: Mixture,
    here: Statistics,
    size: Tensor,
    replicate: Tensor,
    box: Box,
) -> tuple[Tensor, Statistics]:
    """Take the experts' step and the longest gate step, by halving, that does not lose.

    `size` (F,) is changed in place to what the next iteration should try first.
    """
    gain = Mixture(
        here.centre_gradient,
        here.bias_gradient,
        *(torch.zeros_like(part) for part in (old.slope, old.intercept, old.log_variance)),
    ).pack()
    base = experts.pack()
    place = torch.arange(len(base))
    best = box.clip(base + size.unsqueeze(-1) * gain)
    there = likelihood.statistics(unpack(best, old.components, old.dimension), replicate)
    parts = list(vars(there).values())
    size *= 1.5
    losing = place[there.value < here.value]
    while len(losing):
        size[losing] /= 3.0
        size[losing] = torch.where(size[losing] < SMALLEST_STEP, 0.0, size[losing])
        best[losing] = box.clip(base[losing] + size[losing].unsqueeze(-1) * gain[losing])
        again = likelihood.statistics(
            unpack(best[losing], old.components, old.dimension), replicate[losing]
        )
        for whole, part in zip(parts, vars(again).values(), strict=True):
            whole[losing] = part
        stuck = (size[losing] == 0) & (again.value < here.value[losing])
        # Without a gate step only rounding can lose: the fit stays where it was.
        for at in losing[stuck]:
            best[at] = old.pack()[at]
            for whole, part in zip(parts, vars(here).values(), strict=True):
                whole[at] = part[at]
        losing = losing[(again.value < here.value[losing]) & ~stuck]
    size.clamp_(min=SMALLEST_STEP)
    return best, Statistics(*parts)
