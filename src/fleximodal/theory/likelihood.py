"""Log-likelihood of many fits at once, with all that a step of any optimiser needs.

Fits are rows; a fit's data are those of its replicate. Work is cut into blocks that stay in the
processor's cache; blocks are summed in a fixed order, so the number of threads changes no bit.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from fleximodal.theory.gates import affinities, outside_top
from fleximodal.theory.mixture import LOG_2PI, Mixture

BLOCK = 32768  # samples times fits that are worked on at a time


@dataclass(frozen=True)
class Samples:
    """The data of R replicates: x (R, d, n) and y (R, n)."""

    x: Tensor
    y: Tensor

    @property
    def size(self) -> int:
        """Return n."""
        return self.y.shape[1]

    @cached_property
    def products(self) -> Tensor:
        """Return the products of the entries of (x, 1, y), upper triangle by row, (R, q, n)."""
        u = torch.cat([self.x, torch.ones_like(self.x[:, :1]), self.y.unsqueeze(1)], dim=1)
        width = u.shape[1]
        return torch.cat([u[:, row : row + 1] * u[:, row:] for row in range(width)], dim=1)


@dataclass(frozen=True)
class Statistics:
    """What one pass over the data tells about F fits; everything is a mean over samples.

    Attributes
    ----------
    value
        Mean log-likelihood, (F,).
    moments
        Mean of r u u' with u = (x, 1, y) and r the responsibility, (F, k, d + 2, d + 2).
    bias_gradient, centre_gradient
        Derivatives of `value` by the gate's parameters, (F, k) and (F, k, d). They are also
        those of the EM objective.
    """

    value: Tensor
    moments: Tensor
    bias_gradient: Tensor
    centre_gradient: Tensor

    def take(self, index: Tensor) -> "Statistics":
        """Return the statistics of the fits at these places."""
        return Statistics(*(part[index] for part in vars(self).values()))


class _Block:
    """A part of the samples of a few fits; a single fit's are looked at, not copied."""

    def __init__(self, samples: Samples, replicates: Tensor, place: slice) -> None:
        self._samples, self._place = samples, place
        first = int(replicates[0])
        self._rows = slice(first, first + 1) if len(replicates) == 1 else replicates

    @property
    def x(self) -> Tensor:
        return self._samples.x[self._rows, :, self._place]

    @property
    def y(self) -> Tensor:
        return self._samples.y[self._rows, self._place]

    @property
    def products(self) -> Tensor:
        return self._samples.products[self._rows, :, self._place]


class Likelihood:
    """The observed log-likelihood of mixtures on the data of their replicates.

    Parameters
    ----------
    samples
        Data of all replicates.
    gate, top_k
        As for `log_density`.
    threads
        Blocks worked on at the same time.
    """

    def __init__(
        self, samples: Samples, gate: str, top_k: int | None = None, threads: int = 1
    ) -> None:
        self.samples = samples
        self.gate = gate
        self.top_k = top_k
        self.threads = threads

    def statistics(self, mixture: Mixture, replicate: Tensor) -> Statistics:
        """Return value, moments and gradients of F mixtures; `replicate` (F,) names their data."""
        parts = self._sum(mixture, replicate, self._statistics)
        value, moments, bias, centre = (part / self.samples.size for part in parts)
        d = mixture.dimension
        first, second = torch.triu_indices(d + 2, d + 2)
        square = moments.new_empty(*moments.shape[:2], d + 2, d + 2)
        square[..., first, second] = moments
        square[..., second, first] = moments
        return Statistics(value, square, bias, centre)

    def information(self, mixture: Mixture, replicate: Tensor) -> Tensor:
        """Return the mean outer product of the samples' gradients, (F, P, P), in packed order."""
        (gram,) = self._sum(mixture, replicate, self._gram)
        return gram / self.samples.size

    def _sum(
        self,
        mixture: Mixture,
        replicate: Tensor,
        work: Callable[[Mixture, "_Block"], tuple[Tensor, ...]],
    ) -> tuple[Tensor, ...]:
        def one(block: tuple[slice, slice]) -> tuple[Tensor, ...]:
            fits, place = block
            part = Mixture(*(tensor[fits] for tensor in vars(mixture).values()))
            return work(part, _Block(self.samples, replicate[fits], place))

        blocks = list(_blocks(len(replicate), self.samples.size))
        _ = self.samples.products  # made once, before there are threads
        if self.threads > 1 and len(blocks) > 1:
            with ThreadPoolExecutor(self.threads) as pool:
                done = list(pool.map(one, blocks))
        else:
            done = [one(block) for block in blocks]
        total = tuple(part.new_zeros(len(replicate), *part.shape[1:]) for part in done[0])
        for (fits, _), parts in zip(blocks, done, strict=True):
            for sum_, part in zip(total, parts, strict=True):
                sum_[fits] += part
        return total

    def _weights(self, mixture: Mixture, block: "_Block") -> tuple[Tensor, ...]:
        """Return the log-likelihood (F,), r, r - pi, residuals and derivatives of the scores."""
        x, y = block.x, block.y
        scores, derivative = affinities(mixture.centre, x, self.gate)
        outside = outside_top(scores, self.top_k)
        scores = scores.add_(mixture.bias.unsqueeze(-1))
        if outside is not None:
            scores.masked_fill_(outside, -torch.inf)
        means = torch.baddbmm(mixture.intercept.unsqueeze(-1), mixture.slope, x)
        residual = torch.sub(y.unsqueeze(1), means, out=means)
        spread = mixture.log_variance.unsqueeze(-1)
        joint = residual.square().mul_(-0.5 * torch.exp(-spread)).sub_(0.5 * spread).add_(scores)
        gate_top, gate_sum = _normalise(scores)
        joint_top, joint_sum = _normalise(joint)
        value = joint_top.sub_(gate_top).add_(joint_sum.div_(gate_sum).log_()).sum((1, 2))
        value -= 0.5 * LOG_2PI * y.shape[1]
        return value, joint, joint - scores, residual, derivative

    def _statistics(self, mixture: Mixture, block: "_Block") -> tuple[Tensor, ...]:
        value, responsibility, excess, _, derivative = self._weights(mixture, block)
        moments = responsibility @ block.products.transpose(1, 2)
        everyone = derivative.expand(-1, excess.shape[1], -1, -1)
        centre = torch.einsum("fkn,fkdn->fkd", excess, everyone)
        return value, moments, excess.sum(2), centre

    def _gram(self, mixture: Mixture, block: "_Block") -> tuple[Tensor]:
        _, responsibility, excess, residual, derivative = self._weights(mixture, block)
        precision = torch.exp(-mixture.log_variance).unsqueeze(-1)
        pull = residual * precision * responsibility
        spread = 0.5 * (residual * pull - responsibility)
        centre = excess.unsqueeze(2) * derivative
        slope = pull.unsqueeze(2) * block.x.unsqueeze(1)
        parts = [centre.flatten(1, 2), excess, slope.flatten(1, 2), pull, spread]
        scores = torch.cat(parts, dim=1)
        return (scores @ scores.transpose(1, 2),)


def gradient(statistics: Statistics, mixture: Mixture) -> Tensor:
    """Return the gradient of the mean log-likelihood in packed order, (F, P)."""
    m = statistics.moments
    precision = torch.exp(-mixture.log_variance)
    line = torch.cat([mixture.slope, mixture.intercept.unsqueeze(-1)], dim=-1)
    pull = precision.unsqueeze(-1) * (
        m[..., :-1, -1] - (m[..., :-1, :-1] @ line.unsqueeze(-1)).squeeze(-1)
    )
    mass = m[..., -2, -2]
    spread = 0.5 * (precision * squared_residual(m, line) - mass)
    parts = (
        statistics.centre_gradient.flatten(1),
        statistics.bias_gradient,
        pull[..., :-1].flatten(1),
        pull[..., -1],
        spread,
    )
    return torch.cat(parts, dim=1)


def squared_residual(moments: Tensor, line: Tensor) -> Tensor:
    """Return the mean of r (y - line (x, 1))^2, (F, k), from moments and lines (F, k, d + 1)."""
    v = torch.cat([-line, torch.ones_like(line[..., :1])], dim=-1)
    return torch.einsum("fkp,fkpq,fkq->fk", v, moments, v)


def _normalise(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Turn logits (F, k, n) into shares in place; return their maximum and the divisor."""
    top = logits.amax(1, keepdim=True)
    total = logits.sub_(top).exp_().sum(1, keepdim=True)
    logits.div_(total)
    return top, total


def _blocks(fits: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Yield the fits and the samples of every block, of about equal sizes."""
    together = max(1, BLOCK // size)
    length = math.ceil(size / math.ceil(size / BLOCK))
    for fit in range(0, fits, together):
        for place in range(0, size, length):
            yield slice(fit, min(fit + together, fits)), slice(place, min(place + length, size))
