"""Encoder of an irregular time series: multi-time attention mixed with the imputed grid."""

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fleximodal.models.dropout import Dropout
from fleximodal.models.mtand import MultiTimeAttention
from fleximodal.models.time_embedding import TimeEmbedding

if TYPE_CHECKING:
    from fleximodal.dataset.batch import SeriesBatch

Branches = Literal["both", "irregular", "regular"]
GateLevel = Literal["batch", "batch_seq", "batch_seq_feature"]
Padding = Literal["causal", "symmetric"]


class GridConvolution(nn.Module):
    """Convolution over the imputed grid, stride 1, no bias.

    Parameters
    ----------
    channels
        Channels C of the series; the grid has 2C (values, then observed flags).
    width
        Width of the result.
    kernel
        Kernel size.
    padding
        causal: ``kernel - 1`` zeros before the first point. NOTE[DIFF] symmetric, as in the
        released code: ``(kernel - 1) // 2`` zeros on both sides, so a point sees later ones.
    """

    def __init__(self, *, channels: int, width: int, kernel: int, padding: Padding) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(2 * channels, width, kernel, bias=False)
        side = (kernel - 1) // 2
        self.padding = (kernel - 1, 0) if padding == "causal" else (side, side)

    def forward(self, grid: Tensor) -> Tensor:
        """Map (B, T, 2C) to (B, T, width)."""
        return self.convolution(F.pad(grid.transpose(1, 2), self.padding)).transpose(1, 2)


class MixGate(nn.Module):
    """Weight of the irregular branch (FuseMoE appendix C.2).

    ``sigmoid(linear(relu(linear(dropout([irregular, regular])))))``, Xavier-normal weights. With
    both branches pooled by their maximum over time it gives one weight per sample (level
    ``batch``), else one per grid point (``batch_seq``) or per point and feature
    (``batch_seq_feature``, the published equation).
    """

    def __init__(self, *, width: int, level: GateLevel, dropout: float) -> None:
        super().__init__()
        self.level = level
        self.hidden = nn.Linear(2 * width, width)
        self.output = nn.Linear(width, width if level == "batch_seq_feature" else 1)
        self.dropout = Dropout(dropout)
        for linear in (self.hidden, self.output):
            nn.init.xavier_normal_(linear.weight)

    def forward(self, irregular: Tensor, regular: Tensor) -> Tensor:
        """Return weights that broadcast against the branches (B, T, width)."""
        if self.level == "batch":
            irregular, regular = (x.amax(1, keepdim=True) for x in (irregular, regular))
        both = self.dropout(torch.cat([irregular, regular], dim=-1))
        return self.output(self.hidden(both).relu()).sigmoid()


class SeriesEncoder(nn.Module):
    """Unified temporal discretisation embedding, UTDE (Zhang et al. 2023; FuseMoE section 3.1).

    The irregular branch attends over values and mask; the regular branch convolves the imputed
    grid; a gate mixes them as ``g * irregular + (1 - g) * regular``.

    Parameters
    ----------
    channels
        Channels C of the series.
    width, time_width, time_heads, dropout
        As for `MultiTimeAttention`; the dropout also precedes the gate.
    branches
        Both branches, or one of them alone, without a gate.
    gate_level
        As for `MixGate`.
    kernel, padding
        As for `GridConvolution`.
    bypass_equal_width
        NOTE[DIFF] As in the released code: no convolution where ``2 C == width``.
    """

    def __init__(
        self,
        *,
        channels: int,
        width: int,
        time_width: int,
        time_heads: int,
        dropout: float,
        branches: Branches = "both",
        gate_level: GateLevel = "batch_seq_feature",
        kernel: int = 1,
        padding: Padding = "causal",
        bypass_equal_width: bool = False,
    ) -> None:
        super().__init__()
        self.irregular: MultiTimeAttention | None = None
        self.regular: nn.Module | None = None
        self.gate: MixGate | None = None
        if branches != "regular":
            self.irregular = MultiTimeAttention(
                time_width=time_width,
                value_width=channels,
                width=width,
                heads=time_heads,
                dropout=dropout,
                append_mask=True,
            )
        if branches != "irregular":
            self.regular = (
                nn.Identity()
                if bypass_equal_width and 2 * channels == width
                else GridConvolution(channels=channels, width=width, kernel=kernel, padding=padding)
            )
        if branches == "both":
            self.gate = MixGate(width=width, level=gate_level, dropout=dropout)

    def forward(
        self, series: "SeriesBatch", time: TimeEmbedding | None, query: Tensor | None
    ) -> Tensor:
        """Encode a series as (B, T, width).

        Parameters
        ----------
        series
            Values, mask, times and grid of B stays.
        time, query
            Time embedding and embedded grid points (T, time_width); None where no branch attends.
        """
        encoded = []
        if self.irregular is not None:
            assert time is not None and query is not None
            keys = time(series.times)
            encoded.append(self.irregular(query, keys, series.values, series.mask))
        if self.regular is not None:
            encoded.append(self.regular(series.grid))
        if self.gate is None:
            return encoded[0]
        irregular, regular = encoded
        return torch.lerp(regular, irregular, self.gate(irregular, regular))
