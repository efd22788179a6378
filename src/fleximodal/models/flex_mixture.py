"""The sparse mixture of experts that all modalities of Flex-MoE share."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.experts import ExpertInit, Experts
from fleximodal.models.flex_losses import FlexLosses
from fleximodal.models.gates import GateOrder, NoisyTopKRouter, Routing

Routers = Literal["shared", "separate"]
Assignment = Literal["loss", "forced"]


class FlexMixture(nn.Module):
    """One pool of experts and one router, called for the tokens of each modality in turn.

    All calls are one pass here, with the same numbers: each token is mixed from k experts, whatever
    other tokens do (Flex-MoE section 3.3).

    Parameters
    ----------
    width
        Width d of a token; experts have a hidden width of 2 d.
    experts, top_k
        Number of experts E and of those kept for a token.
    losses
        What the router is trained with besides the task.
    order
        As for `NoisyTopKRouter`.
    routers
        shared: one router for all stays; separate: one for stays with all modalities (G), another
        for the others (S), over the same experts.
    assignment
        loss: the loss alone draws tokens of combination c > 0 to expert c; forced: they always
        get it, also in evaluation.
    init
        As for `Experts`.
    """

    def __init__(
        self,
        *,
        width: int,
        experts: int,
        top_k: int,
        losses: FlexLosses,
        order: GateOrder = "topk_softmax",
        routers: Routers = "shared",
        assignment: Assignment = "loss",
        init: ExpertInit = "fmoe",
    ) -> None:
        super().__init__()
        self.losses, self.forced = losses, assignment == "forced"

        def router() -> NoisyTopKRouter:
            return NoisyTopKRouter(
                routers=1,
                input_width=width,
                experts=experts,
                top_k=top_k,
                gate="softmax",
                init_bound=1 / math.sqrt(experts),
                order=order,
            )

        self.router = router()
        self.partial_router = router() if routers == "separate" else None
        self.experts = Experts(
            pools=1,
            experts=experts,
            input_width=width,
            hidden=2 * width,
            output_width=width,
            dropout=0.0,
            init=init,
        )

    def forward(self, x: Tensor, combination: Tensor) -> tuple[Tensor, Routing]:
        """Mix tokens.

        Parameters
        ----------
        x
            (M, B * T, d), the tokens of each modality, those of a stay next to each other.
        combination
            (B,) int64, number of the combination of each stay.

        Returns
        -------
        tuple
            Mixed tokens of the same shape, and the decisions of M calls of the router.
        """
        routing = self._route(x, self.targets(x, combination))
        mixed = self.experts(x.flatten(0, 1).unsqueeze(0), routing.as_one_router(0))
        return mixed.view_as(x), routing

    def targets(self, x: Tensor, combination: Tensor) -> Tensor:
        """Return the combination of each token's stay, (B * T,)."""
        return combination.repeat_interleave(x.shape[1] // len(combination))

    def _route(self, x: Tensor, target: Tensor) -> Routing:
        assigned = torch.where(target > 0, target, -1) if self.forced else None
        routing: Routing = self.router(x, assigned)
        if self.partial_router is None:
            return routing
        return routing.where(target == 0, self.partial_router(x, assigned))
