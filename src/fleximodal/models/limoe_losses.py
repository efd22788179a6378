"""The auxiliary losses of LIMoE's routers."""

import math

import torch.nn.functional as F
from torch import Tensor

from fleximodal.models.entropy import entropy


def modality_entropy_loss(
    probabilities: Tensor, modality: Tensor, *, modalities: int, min_experts: float
) -> Tensor:
    """Return the mean over modalities of local plus thresholded global entropy loss.

    For modality m with tokens x (Mustafa et al. 2022, section 2): local, ``mean_x H(p(x))``, asks
    for sure decisions; global, ``max(0, log min_experts - H(mean_x p(x)))``, for about so many
    experts in use. Modalities without tokens do not count.

    Parameters
    ----------
    probabilities
        (N, S), softmax of the routing logits of N tokens over S experts.
    modality
        (N,) int64, the modality of each token.
    modalities
        Number of modalities M.
    min_experts
        Soft least number of experts of a modality.
    """
    member = F.one_hot(modality, modalities).T.to(probabilities.dtype)
    count = member.sum(-1, keepdim=True)
    share = member / count.clamp_min(1)
    local = share @ entropy(probabilities)
    too_few = (math.log(min_experts) - entropy(share @ probabilities)).clamp_min(0)
    there = (count.squeeze(-1) > 0).to(local.dtype)
    return (there * (local + too_few)).sum() / there.sum().clamp_min(1)


def z_loss(logits: Tensor) -> Tensor:
    """Return the mean over tokens of ``logsumexp(logits)^2`` (Zoph et al. 2022, equation 5)."""
    return logits.logsumexp(-1).square().mean()
