"""The losses of Flex-MoE's router: generalise on full stays, specialise on the others."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from fleximodal.models.balance import chance_to_be_kept, squared_variation
from fleximodal.models.gates import Routing

Exclusion = Literal["expert0", "own_top1", "target", "none"]


@dataclass(frozen=True)
class FlexTerms:
    """Losses of M calls of a router, (M,) each, without coefficient.

    Attributes
    ----------
    assignment
        Cross-entropy of the expert that a token's combination is assigned to (equation 3).
    full
        Importance and load over tokens of stays with all modalities.
    partial
        Importance and load over tokens of the other stays (equation 4).
    """

    assignment: Tensor
    full: Tensor
    partial: Tensor


@dataclass(frozen=True)
class FlexLosses:
    """What a router of Flex-MoE is trained with besides the task (section 3.3; released code).

    Tokens of stays with all modalities are spread over all experts. Tokens of combination c > 0
    are drawn to expert c and spread over the others.

    Attributes
    ----------
    coef
        Coefficient of all losses; with 0 there are none.
    specialise
        Whether tokens are drawn to the expert of their combination; without, those of incomplete
        stays are spread over all experts.
    generalise
        Whether full stays are balanced apart; without, one balance is taken over all tokens.
    assignment_logits, assignment_reduction
        Logits that the cross-entropy sees, and whether it is averaged or added over tokens.
    exclude
        What the balance of incomplete stays leaves out: the expert of full stays, each token's
        strongest expert (as equation 4 is written), the expert that it is assigned to, or nothing.
    load
        smooth: probability of being kept; count: experts kept, without gradient.
    reduce
        Whether the losses of several calls are added or averaged.
    """

    coef: float = 0.01
    specialise: bool = True
    generalise: bool = True
    assignment_logits: Literal["noisy", "clean"] = "noisy"
    assignment_reduction: Literal["mean", "sum"] = "mean"
    exclude: Exclusion = "expert0"
    load: Literal["smooth", "count"] = "smooth"
    reduce: Literal["sum", "mean"] = "sum"

    def __call__(self, routing: Routing, target: Tensor) -> dict[str, Tensor]:
        """Return the weighted losses by name; empty where there is none.

        Parameters
        ----------
        routing
            Decisions of M calls of a router on N tokens each.
        target
            (N,) int64, combination of each token's stay; 0 if it has all modalities, -1 if none.
        """
        if self.coef == 0:
            return {}
        terms = self.terms(routing, target)
        found = {"balance": terms.full + terms.partial}
        if self.specialise:
            found["assignment"] = terms.assignment
        return {name: self.coef * self._reduced(value) for name, value in found.items()}

    def terms(self, routing: Routing, target: Tensor) -> FlexTerms:
        """Return the losses one by one; parameters as for a call."""
        full, partial = (x.to(routing.gates.dtype) for x in (target == 0, target > 0))
        balances = self._balances(routing, target, full, partial)
        return FlexTerms(self._assignment(routing, target, partial), *balances)

    def _assignment(self, routing: Routing, target: Tensor, partial: Tensor) -> Tensor:
        if not self.specialise:
            return torch.zeros_like(routing.gates[:, 0, 0])
        logits = routing.noisy if self.assignment_logits == "noisy" else routing.clean
        wanted = target.clamp_min(0).expand(logits.shape[:2])
        loss = F.cross_entropy(logits.transpose(1, 2), wanted, reduction="none") @ partial
        return loss / partial.sum().clamp_min(1) if self.assignment_reduction == "mean" else loss

    def _balances(
        self, routing: Routing, target: Tensor, full: Tensor, partial: Tensor
    ) -> tuple[Tensor, Tensor]:
        chances = chance_to_be_kept(routing)
        if self.load == "count":
            chances = (routing.gates > 0).to(chances.dtype)
        values = (routing.gates, chances)
        if not self.generalise:
            whole = _balance(values, full + partial)
            return whole, torch.zeros_like(whole)
        if routing.scale is None:
            # NOTE[DIFF] Where nothing is trained, the released code counts the load of all tokens
            # together, so that both terms are the same.
            whole = _balance(values, full + partial)
            return whole, whole * partial.any()
        excluded = tuple(self._without(x, routing, target) for x in values)
        return _balance(values, full), _balance(excluded, partial)

    def _without(self, values: Tensor, routing: Routing, target: Tensor) -> Tensor:
        """Return values (M, N, E) of tokens and experts without what the balance leaves out."""
        if not self.specialise or self.exclude == "none":
            return values
        if self.exclude == "expert0":
            return values[..., 1:]
        own = routing.experts[..., :1]
        if self.exclude == "target":
            own = target.clamp_min(0).unsqueeze(-1).expand_as(own)
        return values.scatter(-1, own, 0.0)

    def _reduced(self, values: Tensor) -> Tensor:
        return values.sum() if self.reduce == "sum" else values.mean()


def _balance(values: tuple[Tensor, ...], weight: Tensor) -> Tensor:
    """Return the squared variation of sums over tokens (N,) of values (M, N, E), added, (M,)."""
    return torch.stack([squared_variation(weight @ x) for x in values]).sum(0)
