"""The two auxiliary losses of ShaSpec."""

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor


def alignment_loss(shared: Tensor, present: Tensor) -> Tensor:
    """Return the distances between shared features of the same stay, summed over pairs.

    The distance is the mean absolute difference (L1, Wang et al. 2023); pairs count where
    both modalities are there. Mean over stays.

    Parameters
    ----------
    shared
        (M, B, width).
    present
        (M, B) bool.
    """
    total = shared.new_zeros(())
    for m, n in combinations(range(len(shared)), 2):
        distance = (shared[m] - shared[n]).abs().mean(-1)
        total = total + (distance * (present[m] & present[n])).mean()
    return total


def domain_loss(logits: Tensor, present: Tensor) -> Tensor:
    """Return the mean cross-entropy of telling the modality from its specific features.

    Parameters
    ----------
    logits
        (M, B, M): for each modality and stay, one logit per modality.
    present
        (M, B) bool; others do not count.
    """
    target = torch.arange(len(logits), device=logits.device).repeat_interleave(logits.shape[1])
    each = F.cross_entropy(logits.flatten(0, 1), target, reduction="none")
    return (each * present.flatten()).sum() / present.sum().clamp_min(1)
