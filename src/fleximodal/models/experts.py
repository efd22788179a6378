"""A stack of experts of equal shape and the weighted sum of their outputs."""

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.expert_mixture import expert_mixture
from fleximodal.models.gates import Routing

ExpertOutput = Literal["linear", "log_softmax"]


class Experts(nn.Module):
    """Experts ``linear -> GELU -> dropout -> linear``, combined by gate weights.

    Parameters
    ----------
    pools
        1 if all routers share one pool of experts; the number of routers if each has its own.
    experts
        Experts per pool.
    input_width, hidden, output_width
        Widths of an expert.
    dropout
        Rate of the dropout on the hidden layer.
    output
        linear: ``sum_e g_e y_e``. log_softmax, as in the released code: each expert ends in a
        log-softmax, and the result is ``log sum_e g_e exp(y_e)`` per router.
    """

    def __init__(
        self,
        *,
        pools: int,
        experts: int,
        input_width: int,
        hidden: int,
        output_width: int,
        dropout: float,
        output: ExpertOutput = "linear",
    ) -> None:
        super().__init__()
        total = pools * experts
        self.pools, self.per_pool, self.output = pools, experts, output
        self.weight1 = nn.Parameter(torch.empty(total, hidden, input_width))
        self.bias1 = nn.Parameter(torch.empty(total, hidden))
        self.weight2 = nn.Parameter(torch.empty(total, hidden, output_width))
        self.bias2 = nn.Parameter(torch.empty(total, output_width))
        self.dropout = Dropout(dropout)
        # The defaults of torch.nn.Linear.
        for parameter in (self.weight1, self.bias1):
            nn.init.uniform_(parameter, -1 / math.sqrt(input_width), 1 / math.sqrt(input_width))
        for parameter in (self.weight2, self.bias2):
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden))

    def forward(
        self,
        x: Tensor,
        routing: Routing,
        part: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Return the sum over routers of the mixtures, (N, output_width).

        Parameters
        ----------
        x
            (R, N, input_width), tokens of each router.
        routing
            Decisions on the same tokens.
        part
            Cuts the outputs wanted, (..., fewer), from (..., output_width); linear outputs only.
        """
        routers, tokens, kept = routing.experts.shape
        expert = routing.experts
        if self.pools > 1:
            offset = torch.arange(routers, device=x.device) * self.per_pool
            expert = expert + offset[:, None, None]
        order = expert.flatten().argsort(stable=True)
        counts = torch.bincount(expert.flatten(), minlength=len(self.weight1)).tolist()
        source = order // kept
        if self.output == "log_softmax":
            return self._mix_logarithms(x.flatten(0, 1)[source], order, counts, routing)

        weight2: Tensor = self.weight2
        bias2: Tensor = self.bias2
        if part is not None:
            weight2, bias2 = part(weight2), part(bias2)
        mixed = expert_mixture(
            x.flatten(0, 1),
            routing.weights.flatten()[order].unsqueeze(1),
            self.weight1,
            self.bias1,
            weight2,
            source=source,
            target=source % tokens,
            counts=counts,
            size=tokens,
            mask=self.dropout.factors,
        )
        gates = routing.gates
        gates = gates.transpose(0, 1).flatten(1) if self.pools > 1 else gates.sum(0)
        return mixed + gates @ bias2

    def _mix_logarithms(
        self, rows: Tensor, order: Tensor, counts: list[int], routing: Routing
    ) -> Tensor:
        stacked = (self.weight1, self.bias1, self.weight2, self.bias2)
        weights = zip(*(parameter.unbind() for parameter in stacked), strict=True)
        logits = torch.cat(
            [
                self.dropout(F.gelu(F.linear(x, weight1, bias1))) @ weight2 + bias2
                for x, (weight1, bias1, weight2, bias2) in zip(
                    rows.split(counts), weights, strict=True
                )
            ]
        )
        places = torch.empty_like(order)
        places[order] = torch.arange(len(order), device=order.device)
        probabilities = logits.softmax(-1)[places].view(*routing.weights.shape, -1)
        mixture = (routing.weights.unsqueeze(-1) * probabilities).sum(2)
        smallest = torch.finfo(torch.float64).eps
        return mixture.masked_fill(mixture == 0, smallest).log().sum(0)
