"""The plainest forms of what this project computes fast: the references of the benchmarks.

One module per expert in a Python loop, time attention with one copy of the scores per channel,
PyTorch's own dropout, every output computed whether or not it is read. They take their weights
from, and share their memory with, a model of this project.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.experts import Experts
from fleximodal.models.fusion import Fusion, FusionResult
from fleximodal.models.fusion_stack import FusionStack
from fleximodal.models.gates import Routing
from fleximodal.models.mtand import MASKED_SCORE, MultiTimeAttention


class PlainDropout(Dropout):
    """PyTorch's own dropout."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop entries of `x` in training."""
        return F.dropout(x, self.rate, self.training)


class PlainExperts(nn.ModuleList):
    """One module per expert, each in turn on its own tokens; outputs mixed as the layer says."""

    def __init__(self, experts: Experts) -> None:
        super().__init__()
        self.pools, self.per_pool, self.output = experts.pools, experts.per_pool, experts.output
        for number in range(len(experts.weight1)):
            first, last = (nn.Linear(1, 1, device="meta") for _ in range(2))
            first.weight = nn.Parameter(experts.weight1.data[number])
            first.bias = nn.Parameter(experts.bias1.data[number])
            last.weight = nn.Parameter(experts.weight2.data[number].T)
            last.bias = nn.Parameter(experts.bias2.data[number])
            self.append(nn.Sequential(first, nn.GELU(), nn.Dropout(experts.dropout.rate), last))

    def layers(self) -> list[tuple[nn.Linear, nn.Linear]]:
        """Return the two linear maps of each expert."""
        return [(expert.get_submodule("0"), expert.get_submodule("3")) for expert in self]  # type: ignore[misc]

    def forward(
        self, x: Tensor, routing: Routing, part: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Return the sum of the mixtures, as `Experts` does."""
        mixtures = [
            self._mix(x[router], gates, router * self.per_pool if self.pools > 1 else 0)
            for router, gates in enumerate(routing.gates)
        ]
        mixed = torch.stack(mixtures).sum(0) if len(mixtures) > 1 else mixtures[0]
        return mixed if part is None else part(mixed)

    def _mix(self, x: Tensor, gates: Tensor, first: int) -> Tensor:
        mixed = x.new_zeros(len(x), len(self.layers()[0][1].weight))
        for number in range(self.per_pool):
            chosen = torch.nonzero(gates[:, number]).squeeze(1)
            if len(chosen):
                output = self[first + number](x[chosen])
                if self.output == "log_softmax":
                    output = output.log_softmax(-1).exp()
                mixed = mixed.index_add(0, chosen, gates[chosen, number].unsqueeze(1) * output)
        if self.output == "log_softmax":
            return mixed.masked_fill(mixed == 0, torch.finfo(torch.float64).eps).log()
        return mixed

    def stacked_gradients(self) -> list[Tensor]:
        """Return the gradients in the form that those of `Experts` have."""
        pairs = self.layers()
        return [
            torch.stack([_gradient(first.weight) for first, _ in pairs]),
            torch.stack([_gradient(first.bias) for first, _ in pairs]),
            torch.stack([_gradient(last.weight).T for _, last in pairs]),
            torch.stack([_gradient(last.bias) for _, last in pairs]),
        ]


def _gradient(parameter: Tensor) -> Tensor:
    # An expert that no token has chosen has no gradient.
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


class PlainTimeAttention(nn.Module):
    """Multi-time attention by its definition: one softmax per channel, the mask as values too."""

    def __init__(self, attention: MultiTimeAttention) -> None:
        super().__init__()
        self.heads, self.append_mask = attention.heads, attention.append_mask
        self.query, self.key, self.output = attention.query, attention.key, attention.output
        self.rate = attention.dropout.rate

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Attend, as `MultiTimeAttention` does."""
        batch, rows, channels = value.shape
        if mask is None:
            mask = torch.ones_like(value)
        elif mask.dim() == 2:
            mask = mask.unsqueeze(-1).expand(-1, -1, channels)
        if self.append_mask:
            value, mask = torch.cat([value, mask], -1), torch.cat([mask, mask], -1)
        queries = self.query(query.expand(batch, -1, -1)).unflatten(-1, (self.heads, -1))
        keys = self.key(key).unflatten(-1, (self.heads, -1)).permute(0, 2, 3, 1)
        scores = queries.transpose(1, 2) @ keys / math.sqrt(queries.shape[-1])
        scores = scores.unsqueeze(-1).repeat_interleave(value.shape[-1], -1)
        scores = scores.masked_fill(mask[:, None, None] == 0, MASKED_SCORE)
        weights = F.dropout(scores.softmax(-2), self.rate, self.training)
        means = (weights * value[:, None, None]).sum(-2)
        return self.output(means.transpose(1, 2).flatten(2))


class WholeStack(Fusion):
    """A stack that computes all grid points of its last layer and reads the last one."""

    sees_presence = True

    def __init__(self, stack: FusionStack) -> None:
        super().__init__()
        self.stack, self.output_width = stack, stack.output_width

    def forward(self, streams: list[Tensor], present: Tensor | None = None) -> FusionResult:
        """Fuse, as `FusionStack` does."""
        whole, auxiliary, routing = self.stack.sequences(streams, present)
        return FusionResult(torch.cat([x[:, -1] for x in whole], -1), auxiliary, routing)


def make_plain(model: nn.Module) -> nn.Module:
    """Put plain forms in the place of all parts of `model` that have one; return it."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Experts):
                setattr(module, name, PlainExperts(child))
            elif isinstance(child, MultiTimeAttention):
                setattr(module, name, PlainTimeAttention(child))
            elif isinstance(child, FusionStack):
                setattr(module, name, WholeStack(child))
            elif type(child) is Dropout:
                setattr(module, name, PlainDropout(child.rate))
    return model


def gradients_of(model: nn.Module) -> list[Tensor]:
    """Return the gradients of a model, those of experts stacked, in one order for both kinds."""
    found = []
    experts = [m for m in model.modules() if isinstance(m, Experts | PlainExperts)]
    inside = {id(parameter) for module in experts for parameter in module.parameters()}
    for module in experts:
        if isinstance(module, Experts):
            stacked = (module.weight1, module.bias1, module.weight2, module.bias2)
            found += [_gradient(parameter) for parameter in stacked]
        else:
            found += module.stacked_gradients()
    # Parts may have been taken apart and put together in another order: names decide.
    named = {name.replace("stack.", ""): p for name, p in model.named_parameters()}
    others = {name: p for name, p in named.items() if id(p) not in inside}
    return found + [_gradient(others[name]) for name in sorted(others)]
