"""The sparse feed-forward block of LIMoE."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fleximodal.models.balance import balance_loss
from fleximodal.models.dropout import Dropout
from fleximodal.models.experts import Experts
from fleximodal.models.gates import NoisyTopKRouter, Routing
from fleximodal.models.limoe_losses import modality_entropy_loss, z_loss


@dataclass
class BlockResult:
    """New tokens (B, S, width), weighted losses by name, mean gate weights (experts,) or None."""

    tokens: Tensor
    losses: dict[str, Tensor] = field(default_factory=dict)
    use: Tensor | None = None


class TokenMixture(nn.Module):
    """``x + dropout(mixture(norm(x)))`` on tokens that are there; the others stay as they are.

    One router serves the tokens of all modalities, and weights are the softmax over all experts, so
    that a single expert kept still teaches the router (Mustafa et al. 2022, section 2). NOTE[DIFF]
    Experts have no capacity limit, so no token is dropped and none needs priority over others.
    NOTE[DIFF] The noise of the router has a learned scale, as in the project's other mixtures.

    Parameters
    ----------
    modalities
        Number of modalities M.
    width
        Width of a token.
    experts, top_k, hidden
        Number of experts, how many a token keeps, and their hidden width.
    dropout
        Rate of the dropout in an expert and on what is added.
    classic_coef, modality_entropy_coef
        Coefficients of importance, load and z-loss, and of the entropy losses.
    min_experts
        As for `modality_entropy_loss`.
    """

    def __init__(
        self,
        *,
        modalities: int,
        width: int,
        experts: int,
        top_k: int,
        hidden: int,
        dropout: float,
        classic_coef: float,
        modality_entropy_coef: float,
        min_experts: float,
    ) -> None:
        super().__init__()
        self.modalities, self.min_experts = modalities, min_experts
        self.classic_coef, self.modality_entropy_coef = classic_coef, modality_entropy_coef
        self.norm = nn.LayerNorm(width)
        self.router = NoisyTopKRouter(
            routers=1,
            input_width=width,
            experts=experts,
            top_k=top_k,
            gate="softmax",
            order="softmax_topk",
            init_std=width**-0.5,
        )
        self.experts = Experts(
            pools=1,
            experts=experts,
            input_width=width,
            hidden=hidden,
            output_width=width,
            dropout=dropout,
        )
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, there: Tensor) -> BlockResult:
        """Mix tokens (B, S, width), S / M consecutive ones per modality, where `there` (B, S)."""
        tokens = self.norm(x[there]).unsqueeze(0)
        routing = self.router(tokens)
        change = self.dropout(self.experts(tokens, routing))
        numbers = torch.arange(self.modalities, device=x.device)
        modality = numbers.repeat_interleave(x.shape[1] // self.modalities).expand_as(there)[there]
        mixed = x + torch.zeros_like(x).masked_scatter(there.unsqueeze(-1), change)
        losses = self._losses(routing, modality)
        return BlockResult(mixed, losses, routing.gates.detach()[0].mean(0))

    def _losses(self, routing: Routing, modality: Tensor) -> dict[str, Tensor]:
        losses = {}
        if self.classic_coef:
            losses["balance"] = self.classic_coef * balance_loss(routing)
            losses["z"] = self.classic_coef * z_loss(routing.clean)
        if self.modality_entropy_coef:
            losses["entropy"] = self.modality_entropy_coef * modality_entropy_loss(
                routing.clean[0].softmax(-1),
                modality,
                modalities=self.modalities,
                min_experts=self.min_experts,
            )
        return losses
