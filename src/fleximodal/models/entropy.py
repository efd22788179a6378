"""The entropy loss that gives each modality its own experts (FuseMoE equation 4)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fleximodal.models.windows import by_window

Local = Literal["of_mean", "mean_of_tokens"]
MissingTokens = Literal["included", "excluded", "own_group"]
Weights = Literal["uniform", "tokens"]


@dataclass(frozen=True)
class EntropyForm:
    """What equation 4 leaves open.

    Attributes
    ----------
    local
        Entropy of a modality's mean use of experts, or mean entropy over its tokens.
    missing_tokens
        Tokens of absent modalities count with those of their modality, not at all, or together as
        one further modality.
    weights
        All modalities weigh the same, or as much as they have tokens.
    """

    local: Local = "of_mean"
    missing_tokens: MissingTokens = "included"
    weights: Weights = "uniform"


AS_PRINTED = EntropyForm()


def entropy(probabilities: Tensor) -> Tensor:
    """Return the entropy in nats over the last axis; 0 log 0 = 0."""
    # The bound keeps the slope at 0 finite.
    logarithm = probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()
    return -(probabilities * logarithm).sum(-1)


def entropy_loss(
    probabilities: Tensor,
    present: Tensor | None = None,
    *,
    form: EntropyForm = AS_PRINTED,
    window: int | None = None,
) -> Tensor:
    """Return the mean entropy of the modalities' use of experts less the entropy of the mean use.

    The use of a modality is the mean over its tokens. The value lies in [-log M, 0].

    Parameters
    ----------
    probabilities
        (M, N, S): how N tokens of each of M modalities use the same S experts.
    present
        (M, N) bool, whether the token is of a modality that is there; None if all are.
    form
        See `EntropyForm`. Modalities that have no token in a window do not count in it.
    window
        The loss is taken over that many consecutive tokens at a time, and averaged.
    """
    use, local, count = _use(probabilities, present, form, window)
    weight = count if form.weights == "tokens" else (count > 0).to(count.dtype)
    weight = weight / weight.sum(-1, keepdim=True).clamp_min(1)
    mean_use = (weight.unsqueeze(-1) * use).sum(1)
    return ((weight * local).sum(1) - entropy(mean_use)).mean()


def pool_entropy_loss(
    probabilities: Tensor,
    present: Tensor | None = None,
    *,
    form: EntropyForm = AS_PRINTED,
    window: int | None = None,
) -> Tensor:
    """Return minus the mean entropy of each modality's use of its own pool of experts.

    For pools that no two modalities share equation 4 is constant; this keeps each pool in use.
    Parameters are those of `entropy_loss`; `form.local` is not used.
    """
    use, _, count = _use(probabilities, present, form, window)
    weight = count if form.weights == "tokens" else (count > 0).to(count.dtype)
    weight = weight / weight.sum(-1, keepdim=True).clamp_min(1)
    return -(weight * entropy(use)).sum(1).mean()


def _use(
    probabilities: Tensor, present: Tensor | None, form: EntropyForm, window: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return per window and group of tokens: mean use (W, G, S), entropy, number of tokens."""
    modalities, tokens = probabilities.shape[:2]
    member = torch.ones_like(probabilities[..., 0])
    if present is not None and form.missing_tokens != "included":
        member = present.to(member.dtype)
    groups = torch.diag_embed(member.T)  # (N, M, G): token of modality m belongs to group g
    if form.missing_tokens == "own_group":
        groups = torch.cat([groups, (1 - member.T).unsqueeze(-1)], dim=-1)
    size = window or tokens
    groups = by_window(groups, size).flatten(1, 2).transpose(1, 2)
    each = by_window(probabilities.transpose(0, 1), size).flatten(1, 2)
    count = groups.sum(-1)
    share = groups / count.clamp_min(1).unsqueeze(-1)
    use = share @ each
    if form.local == "of_mean":
        return use, entropy(use), count
    return use, (share @ entropy(each).unsqueeze(-1)).squeeze(-1), count
