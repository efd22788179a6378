"""The sparse mixture of experts over M modalities."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.experts import ExpertOutput, Experts
from fleximodal.models.gates import Gate, NoisyTopKRouter, Routing
from fleximodal.models.router_loss import RouterDesign

OutputScope = Literal["all", "own"]


class SparseMoE(nn.Module):
    """Routers and experts in one of three designs (FuseMoE section 3.2, figure 2).

    ========================  ============================  ==============================
    joint                     per_modality                  disjoint
    ========================  ============================  ==============================
    one router, one pool      M routers, one shared pool    M routers, M pools of S // M
    reads all modalities      each reads its modality       each reads its modality
    ========================  ============================  ==============================

    Every expert writes to all modalities, and the outputs of several routers are added; or, as the
    text can be read too, to the modality of the router that chose it alone (`scope` own).

    Parameters
    ----------
    design
        Router design.
    modalities
        Number of modalities M.
    input_width
        Width of what a router reads: of all modalities together (joint) or of one.
    output_width
        Width of the result, of all modalities together.
    gate, top_k, eval_noise, temperature, init_std, register
        As for `NoisyTopKRouter`.
    experts
        Experts S in all.
    hidden
        Hidden width of an expert.
    dropout
        Rate of the dropout in an expert.
    output
        As for `Experts`.
    scope
        all, or own, which needs a router per modality.
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
        temperature: float = 1.0,
        init_std: float = 0.0,
        register: bool = True,
        scope: OutputScope = "all",
    ) -> None:
        super().__init__()
        self.design, self.scope = design, scope
        joint, pools = design == "joint", modalities if design == "disjoint" else 1
        per_pool = experts // pools
        own = scope == "own"
        self.router = NoisyTopKRouter(
            routers=1 if joint else modalities,
            input_width=input_width,
            experts=per_pool,
            top_k=top_k,
            gate=gate,
            eval_noise=eval_noise,
            temperature=temperature,
            init_std=init_std,
            register=register,
        )
        self._offset = per_pool if pools > 1 else 0
        self.experts = Experts(
            pools=1 if own else pools,
            experts=per_pool * pools if own else per_pool,
            input_width=input_width,
            hidden=hidden,
            output_width=output_width // modalities if own else output_width,
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
        return self.mix(x, routing), routing

    def mix(
        self, x: Tensor, routing: Routing, part: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Return what the experts make of tokens (R, N, input_width), (N, output_width).

        Parameters
        ----------
        x
            Tokens of each router.
        routing
            Decisions on them.
        part
            Cuts the outputs wanted, as for `Experts`; called with those of one expert.
        """
        if self.scope == "all":
            return self.experts(x, routing, part)
        apart = self.experts(x.flatten(0, 1)[None], routing.as_one_router(self._offset), part)
        return torch.cat(apart.split(x.shape[1]), dim=-1)
