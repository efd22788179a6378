"""The sparse mixture of experts over M modalities."""

from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.experts import ExpertOutput, Experts
from fleximodal.models.gates import Gate, NoisyTopKRouter, Routing

RouterDesign = Literal["joint", "per_modality", "disjoint"]


class SparseMoE(nn.Module):
    """Routers and experts in one of three designs (FuseMoE section 3.2, figure 2).

    ========================  ============================  ==============================
    joint                     per_modality                  disjoint
    ========================  ============================  ==============================
    one router, one pool      M routers, one shared pool    M routers, M pools of S // M
    reads all modalities      each reads its modality       each reads its modality
    ========================  ============================  ==============================

    Every expert writes to all modalities; the outputs of several routers are added.

    Parameters
    ----------
    design
        Router design.
    modalities
        Number of modalities M.
    input_width
        Width of what a router reads: of all modalities together (joint) or of one.
    output_width
        Width of the result.
    gate, top_k, eval_noise
        As for `NoisyTopKRouter`.
    experts
        Experts S in all.
    hidden
        Hidden width of an expert.
    dropout
        Rate of the dropout in an expert.
    output
        As for `Experts`.
    """

    def __init__(
        self,
        *,
        design: RouterDesign,
        modalities: int,
        input_width: int,
        output_width: int,
        gate: Gate,
        experts: int,
        top_k: int,
        hidden: int,
        dropout: float,
        output: ExpertOutput = "linear",
        eval_noise: bool = False,
    ) -> None:
        super().__init__()
        self.design = design
        joint, pools = design == "joint", modalities if design == "disjoint" else 1
        per_pool = experts // pools
        self.router = NoisyTopKRouter(
            routers=1 if joint else modalities,
            input_width=input_width,
            experts=per_pool,
            top_k=top_k,
            gate=gate,
            eval_noise=eval_noise,
        )
        self.experts = Experts(
            pools=pools,
            experts=per_pool,
            input_width=input_width,
            hidden=hidden,
            output_width=output_width,
            dropout=dropout,
            output=output,
        )

    def inputs(self, tokens: list[Tensor]) -> Tensor:
        """Arrange M tensors (N, token width) as what R routers read, (R, N, input_width)."""
        if self.design == "joint":
            return torch.cat(tokens, dim=-1).unsqueeze(0)
        return torch.stack(tokens)

    def forward(self, tokens: list[Tensor]) -> tuple[Tensor, Routing]:
        """Mix M tensors (N, token width) into (N, output_width); also return the routing."""
        x = self.inputs(tokens)
        routing = self.router(x)
        return self.experts(x, routing), routing
