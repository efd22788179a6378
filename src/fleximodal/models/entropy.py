"""The entropy loss that gives each modality its own experts (FuseMoE equation 4)."""

import torch
from torch import Tensor


def entropy(probabilities: Tensor) -> Tensor:
    """Return the entropy in nats over the last axis; 0 log 0 = 0."""
    return -torch.special.xlogy(probabilities, probabilities).sum(-1)


def entropy_loss(logits: Tensor) -> Tensor:
    """Return the mean entropy of the modalities' use of experts less the entropy of the mean use.

    The use of a modality is the mean over its tokens of the dense softmax of the noise-free
    logits: the sparse weights would give unselected experts no gradient. Tokens of absent
    modalities count like all others. The value lies in [-log M, 0].

    Parameters
    ----------
    logits
        (M, N, S): M modalities over the same S experts.
    """
    use = logits.softmax(-1).mean(1)
    return entropy(use).mean() - entropy(use.mean(0))
