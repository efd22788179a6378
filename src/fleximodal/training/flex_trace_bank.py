"""Similarities of combinations and of missing modalities, and how far a bank is from encoders."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from fleximodal.combination_names import pair_label
from fleximodal.training.flex_trace_blocks import Blocks

Similarities = dict[str, dict[str, float | None]]


def similarities(
    blocks: Blocks, cells: Tensor | None, occurring: Sequence[int]
) -> dict[str, Similarities]:
    """Return cosine similarities of pairs (Flex-MoE, figure 4) in three measures.

    ``combinations`` has the pairs of combinations that occur in training, ``missing`` those of
    modalities. Of combinations the vectors are: ``model_inputs`` the mean over stays of all blocks
    that enter the trunk; ``bank_rows`` the row of the bank; ``used_cells`` the cells of both rows
    that stand in for a modality absent from both. Of modalities: ``model_inputs`` the mean over the
    stays that lack one; ``bank_rows`` the column of the bank; ``used_cells`` the cells of both
    columns in rows of combinations that occur and lack both. None where there is no such vector.

    Parameters
    ----------
    blocks
        Sums over training stays.
    cells
        (C, M, T, d) the bank, None if there is none.
    occurring
        Numbers of the combinations that occur in training.
    """
    names, letters = blocks.names, blocks.letters
    lacking = [[letter not in name for letter in letters] for name in names]
    of_combinations = list(combinations(occurring, 2))
    of_modalities = list(combinations(range(len(letters)), 2))

    def both(one: int, other: int) -> list[int]:
        """Return the modalities that both combinations lack."""
        return [m for m in range(len(letters)) if lacking[one][m] and lacking[other][m]]

    def rows(one: int, other: int) -> list[int]:
        """Return the combinations that occur and lack both modalities."""
        return [c for c in occurring if lacking[c][one] and lacking[c][other]]

    nothing = torch.empty(0)
    bank = cells if cells is not None else nothing
    vectors: Mapping[str, Mapping[str, Any]] = {
        "combinations": {
            "model_inputs": _of_means(blocks.combination_means()),
            "bank_rows": lambda a, b: (bank[a], bank[b]),
            "used_cells": lambda a, b: (bank[a, both(a, b)], bank[b, both(a, b)]),
        },
        "missing": {
            "model_inputs": _of_means(blocks.missing_means()),
            "bank_rows": lambda a, b: (bank[:, a], bank[:, b]),
            "used_cells": lambda a, b: (bank[rows(a, b), a], bank[rows(a, b), b]),
        },
    }
    told: dict[str, dict[str, dict[str, float | None]]] = {}
    for kind, pairs in (("combinations", of_combinations), ("missing", of_modalities)):
        of = names if kind == "combinations" else letters
        told[kind] = {
            measure: {
                pair_label(of[a], of[b]): _cosine(*give(a, b))
                if cells is not None or measure == "model_inputs"
                else None
                for a, b in pairs
            }
            for measure, give in vectors[kind].items()
        }
    return told


def bank_distances(blocks: Blocks, cells: Tensor, occurring: Sequence[int]) -> list[dict[str, Any]]:
    """Return how far each modality's cells are from what its encoder gives.

    ``distance`` is the root mean square, over the training stays that have the modality, of the
    distance of a cell's block (T, d) from the encoder's; ``relative`` is that over the encoder's
    ``spread``, the same for the mean of its blocks: 1 for a cell that is their mean, and more for
    any other. ``length`` is that of the cell over the root mean square length of the encoder's
    blocks. Each is the mean over the cells that stand in for the modality: those that training
    stays read (``used``), and those that none does, which keep their initial values.
    """
    told = []
    used = set(occurring)
    for number, letter in enumerate(blocks.letters):
        stays = int(blocks.stays_of_present[number])
        if not stays:
            continue
        centre = blocks.encoded[number] / stays
        square = float(blocks.square[number]) / stays
        spread = max(square - float(centre.square().sum()), 0.0) ** 0.5
        for read in (True, False):
            own = [
                c
                for c, name in enumerate(blocks.names)
                if letter not in name and (c in used) is read
            ]
            if not own or not spread:
                continue
            lengths = cells[own, number].square().sum((1, 2))
            products = (cells[own, number] * centre).sum((1, 2))
            distances = (square - 2 * products + lengths).clamp_min(0).sqrt()
            told.append(
                {
                    "modality": letter,
                    "used": read,
                    "cells": len(own),
                    "stays": stays,
                    "spread": spread,
                    "distance": float(distances.mean()),
                    "relative": float((distances / spread).mean()),
                    "length": float((lengths.sqrt() / square**0.5).mean()),
                }
            )
    return told


def _of_means(means: Tensor) -> Any:
    return lambda a, b: (means[a], means[b])


def _cosine(one: Tensor, other: Tensor) -> float | None:
    """Return the cosine of two vectors of any shape; None if one is empty, unknown or zero."""
    one, other = one.flatten(), other.flatten()
    lengths = float(one.norm() * other.norm()) if one.numel() else 0.0
    return float(one @ other) / lengths if lengths > 0 else None
