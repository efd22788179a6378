"""The fusion step of FuseMoE: a sparse mixture of experts between modalities."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.fusion_stack import StepResult
from fleximodal.models.gates import Routing
from fleximodal.models.router_loss import RouterLoss
from fleximodal.models.sparse_moe import SparseMoE
from fleximodal.models.windows import MicroBatch, read_across, read_back

Token = Literal["flattened", "per_step"]
Flatten = Literal["by_sample", "authors_reshape"]

NO_LOSS = RouterLoss()


class MixtureStep(nn.Module):
    """Cuts streams into tokens, mixes them, and gives each stream its piece of the result.

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
        read as (B, T * d), so that a token mixes time slices of all samples of a micro-batch.
    micro_batch
        Samples that `authors_reshape` mixes; None mixes the whole batch.
    loss
        Gives the losses of the routers.
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
        micro_batch: MicroBatch | None = None,
        loss: RouterLoss = NO_LOSS,
    ) -> None:
        super().__init__()
        self.steps, self.width = steps, width
        self.moe, self.token, self.flatten = moe, token, flatten
        self.micro_batch, self.loss = micro_batch, loss
        self.routers = ("joint",) if moe.design == "joint" else tuple(names)
        self.streams = len(names)

    def forward(
        self, streams: list[Tensor], last_only: bool, present: Tensor | None = None
    ) -> StepResult:
        """Mix M normalised streams (B, T, d); see `StepResult`.

        `present` (M, B) tells which modalities are there, None that all are.
        """
        per_stay = self.steps if self.token == "per_step" else 1
        x = self.moe.inputs([self._tokens(u) for u in streams])
        routing = self.moe.router(x)
        mixed = self._mix(x, routing, last_only)
        changes = [self._stream(piece, last_only) for piece in mixed]
        use = routing.gates.detach().mean(1)
        if present is not None:
            present = present.repeat_interleave(per_stay, dim=1)
        losses = self.loss(self.moe.design, routing, present, per_stay)
        return StepResult(changes, losses, dict(zip(self.routers, use, strict=True)))

    def _tokens(self, u: Tensor) -> Tensor:
        if self.token == "per_step":
            return u.flatten(0, 1)
        if self.flatten == "authors_reshape":
            return read_across(u, self._mixed_together(u))
        return u.flatten(1)

    def _mixed_together(self, rows: Tensor) -> int:
        return self.micro_batch.size(self.training) if self.micro_batch else len(rows)

    def _mix(self, x: Tensor, routing: Routing, last_only: bool) -> tuple[Tensor, ...]:
        """Return M pieces (N, token width), where possible only of the last grid point."""
        part = None
        if self.token == "per_step":
            if last_only:
                last = torch.arange(self.steps - 1, x.shape[1], self.steps, device=x.device)
                x, routing = x[:, last], routing.of_tokens(last)
        elif last_only and self.flatten == "by_sample" and self.moe.experts.output == "linear":
            part = self._last_outputs
        return self.moe.mix(x, routing, part).chunk(self.streams, -1)

    def _last_outputs(self, outputs: Tensor) -> Tensor:
        return outputs.unflatten(-1, (-1, self.steps, self.width))[..., -1, :].flatten(-2)

    def _stream(self, piece: Tensor, last_only: bool) -> Tensor:
        if self.token == "flattened" and self.flatten == "authors_reshape":
            change = read_back(piece, self._mixed_together(piece), self.steps)
            return change[:, -1:] if last_only else change
        steps = piece.shape[1] // self.width
        if self.token == "per_step":
            steps = 1 if last_only else self.steps
        change = piece.reshape(-1, steps, self.width)
        return change[:, -1:] if last_only else change
