"""Learned embedding of time (Time2Vec)."""

import torch
from torch import Tensor, nn


class TimeEmbedding(nn.Module):
    """One linear and ``width - 1`` sine coordinates of a time.

    ``phi(t) = [w0 t + c0, sin(w1 t + c1), ..., sin(w_{width-1} t + c_{width-1})]``. One instance
    serves all modalities, keys and queries (FuseMoE section 3.1; Shukla and Marlin 2021).

    Parameters
    ----------
    width
        Number of coordinates, at least 2.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.periodic = nn.Linear(1, width - 1)

    def forward(self, time: Tensor) -> Tensor:
        """Embed times (...) as (..., width)."""
        time = time.unsqueeze(-1)
        return torch.cat([self.linear(time), torch.sin(self.periodic(time))], dim=-1)
