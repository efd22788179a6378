"""MAG: a main modality shifted by the others."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.windows import MicroBatch, by_window

MagNorm = Literal["stay", "batch"]
MagBeta = Literal["one", "normal"]

# Smallest norm of a shift that the norm of the main modality is divided by.
SMALLEST_NORM = 1e-6


class AdaptationGate(nn.Module):
    """Multimodal adaptation gate (Rahman et al. 2020) on last steps, as Zhang et al. 2023 use it.

    ``w_j = sigmoid(gate_j([a, s_j]))``, ``h = sum_j W_j (w_j s_j) + b``,
    ``alpha = min(beta |a| / |h|, 1)``, result ``dropout(norm(a + alpha h))``. More than one side
    modality is an extension (ours): a scalar gate for each, shifts added.

    NOTE[DIFF] The original sits inside BERT, one vector gate per token.

    Parameters
    ----------
    widths
        Width of each modality's vector.
    main
        Number of the modality that is shifted.
    dropout
        Rate of the dropout on the result.
    norm
        stay: norms per stay. NOTE[DIFF] batch, as in the released code: norms over the whole
        batch, so that a stay's result depends on the others.
    micro_batch
        Stays over which `batch` takes the norms; None takes all of them.
    beta
        Initial value of the learned scalar: one, or NOTE[DIFF] drawn from N(0, 1), as in the
        released code, where a negative draw turns the shift around.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int],
        main: int,
        dropout: float,
        norm: MagNorm = "stay",
        beta: MagBeta = "one",
        micro_batch: MicroBatch | None = None,
    ) -> None:
        super().__init__()
        self.main = main
        self.norm_over = norm
        self.micro_batch = micro_batch
        sides = [width for number, width in enumerate(widths) if number != main]
        self.gates = nn.ModuleList(nn.Linear(widths[main] + width, 1) for width in sides)
        self.shift = nn.Linear(sum(sides), widths[main])
        self.beta = nn.Parameter(torch.ones(1) if beta == "one" else torch.randn(1))
        self.norm = nn.LayerNorm(widths[main])
        self.dropout = Dropout(dropout)

    def forward(self, vectors: list[Tensor]) -> Tensor:
        """Map vectors (B, width_m) to (B, width of the main one)."""
        main = vectors[self.main]
        sides = [x for number, x in enumerate(vectors) if number != self.main]
        gated = [
            gate(torch.cat([main, side], dim=-1)).sigmoid() * side
            for gate, side in zip(self.gates, sides, strict=True)
        ]
        shift = self.shift(torch.cat(gated, dim=-1))
        return self.dropout(self.norm(main + self.share(main, shift) * shift))

    def share(self, main: Tensor, shift: Tensor) -> Tensor:
        """Return alpha, how much of the shift is added, (B, 1)."""
        size = 1
        if self.norm_over == "batch":
            size = self.micro_batch.size(self.training) if self.micro_batch else len(main)
        above, below = (
            torch.linalg.vector_norm(by_window(x, size).flatten(1), dim=-1, keepdim=True)
            for x in (main, shift)
        )
        alpha = (self.beta * above / below.clamp_min(SMALLEST_NORM)).clamp_max(1.0)
        return alpha.repeat_interleave(size, dim=0)[: len(main)]
