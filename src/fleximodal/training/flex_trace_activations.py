"""Counts of which experts the tokens of each combination choose (Flex-MoE, figure 5)."""

from typing import Any

import torch
from torch import Tensor


class Activations:
    """Choices per sparse layer, combination and expert, over modality blocks and stays.

    Parameters
    ----------
    combinations
        Number of combinations C; stays of none, number -1, are left out.
    """

    def __init__(self, combinations: int) -> None:
        self.combinations = combinations
        self._counts: dict[int, dict[str, Tensor]] = {}

    def add(self, layer: int, chosen: Tensor, experts: int, combination: Tensor) -> None:
        """Count the choices of one batch.

        Parameters
        ----------
        layer
            Number of the sparse layer.
        chosen
            (M, B * T, k) experts of each token, the first choice first.
        experts
            Number of experts E.
        combination
            (B,) combination of each stay.
        """
        steps = chosen.shape[1] // len(combination)
        owner = combination.repeat_interleave(steps)
        known = owner >= 0
        counts = self._counts.setdefault(layer, {})
        for name, kept in (("top_k", chosen), ("top_1", chosen[..., :1])):
            kept = kept[:, known]
            cell = owner[known][None, :, None] * experts + kept
            size = self.combinations * experts
            found = torch.bincount(cell.flatten(), minlength=size).view(-1, experts).cpu()
            counts[name] = counts[name] + found if name in counts else found

    def told(self) -> list[dict[str, Any]]:
        """Return per layer `top_k` and `top_1`, (C, E) counts, and `specialisation`, (C,).

        The specialisation index of a combination is the share of its tokens' choices that fall on
        the expert of its own number; None without tokens or without such an expert.
        """
        return [
            {
                "layer": layer,
                **{name: count.tolist() for name, count in counts.items()},
                "specialisation": _own_share(counts["top_k"]),
            }
            for layer, counts in sorted(self._counts.items())
        ]


def _own_share(counts: Tensor) -> list[float | None]:
    totals, experts = counts.sum(1).tolist(), counts.shape[1]
    return [
        int(counts[number, number]) / total if total and number < experts else None
        for number, total in enumerate(totals)
    ]
