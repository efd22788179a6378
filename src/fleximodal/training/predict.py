"""Scores of a network over one part of a split."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fleximodal.dataset.batch import BatchBuilder
from fleximodal.training.objective import loss_mass, probabilities, task_loss

# No gradients are kept, so it may be larger than in training.
BATCH = 128


@dataclass
class Predicted:
    """Probabilities (n,), (n, C) or (n, K), mean loss, mean gate weight per router and expert."""

    scores: np.ndarray
    loss: float
    routing: dict[str, Tensor]


@torch.inference_mode()
def predict(
    model: nn.Module,
    builder: BatchBuilder,
    positions: Tensor,
    *,
    seed: int,
    weights: Tensor | None = None,
) -> Predicted:
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
    weights
        (C,) weights of classes in the loss; None if all are the same.
    """
    model.eval()
    torch.manual_seed(seed)
    scores: list[Tensor] = []
    loss = torch.zeros((), dtype=torch.float64, device=next(model.parameters()).device)
    total = torch.zeros_like(loss)
    routing: dict[str, Tensor] = {}
    for index in positions.split(BATCH):
        batch = builder.batch(index)
        output = model(batch)
        scores.append(probabilities(output.logits, batch.labels))
        share = len(index) / len(positions)
        mass = loss_mass(batch.labels, weights)
        loss += mass * task_loss(output.logits, batch.labels, weights).double()
        total += mass
        for router, gates in output.routing.items():
            routing[router] = routing.get(router, 0) + share * gates.double()
    return Predicted(torch.cat(scores).cpu().numpy(), float(loss / total), routing)
