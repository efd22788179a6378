"""A stack of experts of equal shape and the weighted sum of their outputs."""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.expert_mixture import (
    Rows,
    arrange,
    combine,
    expert_outputs,
    ragged_products,
)
from fleximodal.models.gates import Routing
from fleximodal.models.gradient_memory import cut

ExpertOutput = Literal["linear", "log_softmax"]
ExpertInit = Literal["linear", "fmoe"]


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
    init
        linear: the defaults of torch.nn.Linear. fmoe, as in the library that Flex-MoE's released
        code uses: biases 0, weights even within ``1 / sqrt(in * out)``.
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
        init: ExpertInit = "linear",
    ) -> None:
        super().__init__()
        total = pools * experts
        self.pools, self.per_pool, self.output = pools, experts, output
        self.weight1 = nn.Parameter(torch.empty(total, hidden, input_width))
        self.bias1 = nn.Parameter(torch.empty(total, hidden))
        self.weight2 = nn.Parameter(torch.empty(total, hidden, output_width))
        self.bias2 = nn.Parameter(torch.empty(total, output_width))
        self.dropout = Dropout(dropout)
        for weight, bias, fan_in in (
            (self.weight1, self.bias1, input_width),
            (self.weight2, self.bias2, hidden),
        ):
            if init == "fmoe":
                nn.init.zeros_(bias)
                bound = 1 / math.sqrt(weight[0].numel())
                nn.init.uniform_(weight, -bound, bound)
                continue
            for parameter in (weight, bias):
                nn.init.uniform_(parameter, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

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
        weight2: Tensor = self.weight2
        bias2: Tensor = self.bias2
        if part is not None:
            weight2, bias2 = cut(weight2, part), part(bias2)
        linear = self.output == "linear"
        rows = arrange(
            routing.experts,
            pools=self.pools,
            per_pool=self.per_pool,
            ragged=linear and ragged_products(self.weight1, weight2),
        )
        dropped = self.dropout.dropped(x, (len(rows.token), self.weight1.shape[1]))
        scale = 1.0 if dropped is None else self.dropout.scale
        outputs = expert_outputs(x.flatten(0, 1), self.weight1, self.bias1, weight2, rows, dropped)
        if linear:
            gates = routing.gates
            gates = gates.transpose(0, 1).flatten(1) if self.pools > 1 else gates.sum(0)
            mixed = combine(outputs, routing.weights * scale, rows).sum(0)
            return torch.addmm(mixed, gates, bias2)
        blocks = outputs.view(len(bias2), -1, bias2.shape[1])
        logits = torch.add(bias2.unsqueeze(1), blocks, alpha=scale).flatten(0, 1)
        return _log_mixture(logits, routing.weights, rows).sum(0)


def _log_mixture(logits: Tensor, weights: Tensor, rows: Rows) -> Tensor:
    """Return ``log sum_e g_e softmax(y_e)`` for each router and token, (R, N, out).

    As in the released code, log 2^-52 stands where the sum is 0 in the precision used. Taken from
    logarithms, so that gradients stay finite where probabilities are almost 0.
    """
    likely = logits.log_softmax(-1)[rows.slot]
    shares = weights.clamp_min(torch.finfo(weights.dtype).tiny).log()
    mixture = (likely + shares.unsqueeze(-1)).logsumexp(2)
    return mixture.masked_fill(mixture.exp() == 0, math.log(torch.finfo(torch.float64).eps))
