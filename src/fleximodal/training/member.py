"""What a trainer is given for one run, and what it gives back.

A method's settings name their trainer as "module:function". The function is called as

    trainer(member, settings, training, *, state, log) -> Fitted

with a `Member`, the method's settings, the `training` section of the configuration, a folder
`state` of its own that survives an interruption, and a logger. The number of threads is set by
the caller, for torch, which trainers that use other libraries ask.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from fleximodal.dataset.packed import PackedDataset
from fleximodal.dataset.scaler import Scaler


@dataclass(frozen=True)
class Member:
    """One (split, seed) of a cell.

    Attributes
    ----------
    dataset
        All stays, with the cell's modalities only.
    split, seed
        Which run this is.
    parts
        Positions in the dataset of the stays of "train", "val" and "test".
    scaler
        Means and standard deviations of the training stays' observed values.
    unseen
        Per part, how many stays are left out because they have none of the cell's modalities.
    """

    dataset: PackedDataset
    split: str
    seed: int
    parts: dict[str, np.ndarray]
    scaler: Scaler
    unseen: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How messages call this run."""
        return f"split {self.split!r}, seed {self.seed}"


@dataclass
class Fitted:
    """The result of one run.

    Attributes
    ----------
    scores
        For "val" and "test", the probability of class 1 in the order of `Member.parts`, float64;
        (n,), or (n, K) for K labels, or (n, C), that of each of C > 2 classes.
    history
        One row per epoch (networks) or per point of the grid (trees), for `history.csv`; without
        times, so that equal runs give equal rows.
    chosen
        What the selection chose, as JSON values.
    parameters
        Number of trained parameters (networks) or of nodes (trees).
    tensors
        The fitted model, for the checkpoint.
    routing
        Rows (layer, router, expert, mean_gate) over the test part.
    cost
        Seconds per epoch and the like, for `cost.json`; `resumed_seconds` is the time that earlier,
        interrupted processes spent on epochs that were kept.
    """

    scores: dict[str, np.ndarray]
    history: list[dict[str, Any]]
    chosen: dict[str, Any]
    parameters: int
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    routing: list[dict[str, Any]] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)
