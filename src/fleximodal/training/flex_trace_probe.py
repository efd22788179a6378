"""Linear probes: what can be read from the tokens of a bank of missing modalities."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from fleximodal.training.flex_trace_blocks import Blocks

FOLDS = 5


def probe_bank(blocks: Blocks, cells: Tensor, occurring: Sequence[int]) -> dict[str, Any]:
    """Return what logistic regression reads from single tokens (d,).

    ``encoder``: fitted to tell the modality of the encoders' tokens, its accuracy in
    cross-validation by stays. ``as_own``: how often that probe calls a token of a cell by the
    modality that the cell stands in for; 1 / M would be chance. ``combination`` and ``modality``:
    how well probes fitted on tokens of the cells tell the combination or the modality of a cell, in
    cross-validation by places in the block, with the share of the commonest answer as ``chance``.
    Each of the last three for cells that training stays read and for those that none does.

    Parameters
    ----------
    blocks
        Sums and sampled tokens over training stays.
    cells
        (C, M, T, d) the bank.
    occurring
        Numbers of the combinations that occur in training.
    """
    tokens, kinds, groups = _encoder_tokens(blocks)
    there = np.unique(kinds)
    told: dict[str, Any] = {"encoder": None, "tokens": len(tokens)}
    encoder_probe = None
    if len(there) > 1:
        told["encoder"] = _accuracy(tokens, kinds, groups)
        encoder_probe = _probe().fit(tokens, kinds)
    used = set(occurring)
    for name, read in (("used", True), ("unused", False)):
        own = [
            (c, m)
            for c, combination in enumerate(blocks.names)
            for m, letter in enumerate(blocks.letters)
            if letter not in combination and (c in used) is read
        ]
        told[name] = _of_cells(cells, own, encoder_probe)
    return told


def told_by_combination(labels: np.ndarray, combination: np.ndarray) -> dict[str, float] | None:
    """Return what a bank's block, which is the same for a whole combination, can say of the class.

    Accuracy over the training stays of always naming the commonest class (`alone`) and the
    commonest class of the stay's combination (`combination`); None for several labels.
    """
    if labels.ndim > 1:
        return None
    hits = [np.bincount(labels[combination == c]).max() for c in np.unique(combination)]
    return {
        "alone": float(np.bincount(labels).max() / len(labels)),
        "combination": float(np.sum(hits) / len(labels)),
    }


def _encoder_tokens(blocks: Blocks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return tokens (n, d), the number of their modality (n,) and of their stay (n,)."""
    tokens, kinds, groups = [], [], []
    for number in range(len(blocks.letters)):
        own = blocks.tokens(number).numpy()
        tokens.append(own.reshape(-1, own.shape[-1]))
        kinds.append(np.full(len(tokens[-1]), number))
        groups.append(np.repeat(np.arange(len(own)), own.shape[1]))
    return np.concatenate(tokens), np.concatenate(kinds), np.concatenate(groups)


def _of_cells(cells: Tensor, own: list[tuple[int, int]], encoder_probe: Any) -> dict[str, Any]:
    if not own:
        return {"cells": 0, "as_own": None, "combination": None, "modality": None}
    tokens = np.concatenate([cells[c, m].numpy() for c, m in own])
    steps = cells.shape[2]
    places = np.tile(np.arange(steps), len(own))
    combination, modality = (np.repeat([pair[n] for pair in own], steps) for n in (0, 1))
    as_own = None
    if encoder_probe is not None:
        as_own = float(np.mean(encoder_probe.predict(tokens) == modality))
    return {
        "cells": len(own),
        "as_own": as_own,
        "combination": _told(tokens, combination, places),
        "modality": _told(tokens, modality, places),
    }


def _told(tokens: np.ndarray, answers: np.ndarray, places: np.ndarray) -> dict[str, float] | None:
    counts = np.unique(answers, return_counts=True)[1]
    if len(counts) < 2 or places.max() == 0:
        return None
    chance = float(counts.max() / len(answers))
    return {"accuracy": _accuracy(tokens, answers, places), "chance": chance}


def _accuracy(tokens: np.ndarray, answers: np.ndarray, groups: np.ndarray) -> float:
    folds = GroupKFold(min(FOLDS, len(np.unique(groups))))
    return float(cross_val_score(_probe(), tokens, answers, groups=groups, cv=folds).mean())


def _probe() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
