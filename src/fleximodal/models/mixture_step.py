"""The fusion step of FuseMoE: a sparse mixture of experts between modalities."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.balance import balance_loss
from fleximodal.models.entropy import entropy_loss
from fleximodal.models.fusion_stack import StepResult
from fleximodal.models.gates import Routing
from fleximodal.models.sparse_moe import SparseMoE

Token = Literal["flattened", "per_step"]
Flatten = Literal["by_sample", "authors_reshape"]


class MixtureStep(nn.Module):
    """Cuts streams into tokens, mixes them, and gives each stream its piece of the result.

    Losses: the joint design balances importance and load; the per-modality design spreads the
    modalities over experts (equation 4). Equation 4 is identically zero for one router and
    identically ``-log M`` for disjoint pools, without gradient in both; so the disjoint design
    balances each pool instead, summed over routers.

    Parameters
    ----------
    names
        Names of the M streams, in order.
    steps, width
        Grid points T and width d of a stream.
    moe
        The mixture, for tokens of width ``T * d`` (flattened) or d (per step).
    token
        flattened: one token per sample, its whole sequence; per_step: one per grid point.
    flatten
        NOTE[DIFF] authors_reshape, as in the released code: the memory of a (T, B, d) tensor is
        read as (B, T * d), so that a token mixes time slices of all samples of the batch.
    balance_coef, entropy_coef
        Coefficients of the losses; with 0 the loss is left out.
    """

    def __init__(
        self,
        *,
        names: Sequence[str],
        steps: int,
        width: int,
        moe: SparseMoE,
        token: Token,
        flatten: Flatten = "by_sample",
        balance_coef: float = 0.0,
        entropy_coef: float = 0.0,
    ) -> None:
        super().__init__()
        self.steps, self.width = steps, width
        self.moe, self.token, self.flatten = moe, token, flatten
        self.balance_coef, self.entropy_coef = balance_coef, entropy_coef
        self.routers = ("joint",) if moe.design == "joint" else tuple(names)
        self.streams = len(names)

    def forward(self, streams: list[Tensor], last_only: bool) -> StepResult:
        """Mix M normalised streams (B, T, d); see `StepResult`."""
        x = self.moe.inputs([self._tokens(u) for u in streams])
        routing = self.moe.router(x)
        mixed = self._mix(x, routing, last_only)
        changes = [self._stream(piece, last_only) for piece in mixed]
        use = routing.gates.detach().mean(1)
        return StepResult(changes, self._losses(routing), dict(zip(self.routers, use, strict=True)))

    def _tokens(self, u: Tensor) -> Tensor:
        if self.token == "per_step":
            return u.flatten(0, 1)
        if self.flatten == "authors_reshape":
            return u.transpose(0, 1).reshape(len(u), -1)
        return u.flatten(1)

    def _mix(self, x: Tensor, routing: Routing, last_only: bool) -> tuple[Tensor, ...]:
        """Return M pieces (N, token width), where possible only of the last grid point."""
        if self.token == "per_step":
            if last_only:
                last = torch.arange(self.steps - 1, x.shape[1], self.steps, device=x.device)
                x, routing = x[:, last], routing.of_tokens(last)
        elif last_only and self.flatten == "by_sample" and self.moe.experts.output == "linear":
            return self.moe.experts(x, routing, self._last_outputs).chunk(self.streams, -1)
        return self.moe.experts(x, routing).chunk(self.streams, -1)

    def _last_outputs(self, outputs: Tensor) -> Tensor:
        shape = (self.streams, self.steps, self.width)
        return outputs.unflatten(-1, shape)[..., -1, :].flatten(-2)

    def _stream(self, piece: Tensor, last_only: bool) -> Tensor:
        if self.token == "flattened" and self.flatten == "authors_reshape":
            change = piece.reshape(self.steps, -1, self.width).transpose(0, 1)
            return change[:, -1:] if last_only else change
        steps = piece.shape[1] // self.width
        if self.token == "per_step":
            steps = 1 if last_only else self.steps
        change = piece.reshape(-1, steps, self.width)
        return change[:, -1:] if last_only else change

    def _losses(self, routing: Routing) -> dict[str, Tensor]:
        if self.moe.design == "per_modality":
            if self.entropy_coef == 0:
                return {}
            return {"entropy": self.entropy_coef * entropy_loss(routing.clean)}
        if self.balance_coef == 0:
            return {}
        return {"balance": self.balance_coef * balance_loss(routing)}
