"""Scores of a network over one part of a split."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.training.objective import probabilities, task_loss

# No gradients are kept, so it may be larger than in training.
BATCH = 128


@dataclass
class Predicted:
    """Probabilities (n,) or (n, K), mean task loss, mean gate weight per router and expert."""

    scores: np.ndarray
    loss: float
    routing: dict[str, Tensor]


@torch.inference_mode()
def predict(model: nn.Module, builder: BatchBuilder, positions: Tensor, *, seed: int) -> Predicted:
    """Score the stays at `positions`, in that order, with the model in evaluation mode.

    Parameters
    ----------
    model
        A network that returns a `ModelOutput`.
    builder
        Makes batches of the dataset.
    positions
        (n,) int64 positions in the dataset, on the CPU.
    seed
        Seed of the global generator, for models that draw noise in evaluation too.
    """
    model.eval()
    torch.manual_seed(seed)
    scores: list[Tensor] = []
    loss = torch.zeros((), dtype=torch.float64, device=next(model.parameters()).device)
    routing: dict[str, Tensor] = {}
    for index in positions.split(BATCH):
        batch = builder.batch(index)
        output = model(batch)
        scores.append(probabilities(output.logits, batch.labels))
        share = len(index) / len(positions)
        loss += share * task_loss(output.logits, batch.labels).double()
        for router, gates in output.routing.items():
            routing[router] = routing.get(router, 0) + share * gates.double()
    return Predicted(torch.cat(scores).cpu().numpy(), float(loss), routing)
