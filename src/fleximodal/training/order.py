"""The order in which an epoch visits the training stays (Flex-MoE, section 3.1)."""

import numpy as np
import torch
from torch import Tensor

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import NetworkSettings
from fleximodal.training.member import Member
from fleximodal.training.reading import presence
from fleximodal.training.seeds import derived_seed


class EpochOrder:
    """Positions of the training stays, epoch by epoch.

    After `warmup_epochs` the order is drawn anew each time, from the run's seed and the epoch's
    number. Before, it is that of `warmup_order`: by the number of the cell's modalities that a stay
    has, most or fewest first, equal ones by position; or drawn from the stays that have all.

    Raises
    ------
    FleximodalError
        If the first epochs are of stays that have all modalities and there is none.
    """

    def __init__(self, member: Member, settings: NetworkSettings) -> None:
        self._member = member
        self._epochs = settings.warmup_epochs
        self._kind = settings.warmup_order
        present = presence(member.dataset, settings)
        self._train = member.parts["train"]
        self._count = present.sum(axis=0)[self._train]
        self._full = self._train[self._count == len(present)]
        if self._epochs and self._kind == "full_only" and not len(self._full):
            raise FleximodalError(
                f"no training stay of {member.name} has all of "
                f"{', '.join(member.dataset.modalities)}; use another warmup_order"
            )

    def positions(self, epoch: int) -> Tensor:
        """Return the positions (n,) int64 in the dataset that epoch 1, 2, ... visits."""
        warm = epoch <= self._epochs
        if warm and self._kind in ("sorted", "ascending"):
            sign = -1 if self._kind == "sorted" else 1
            return torch.from_numpy(self._train[np.argsort(sign * self._count, kind="stable")])
        stays = torch.from_numpy(self._stays(epoch))
        seed = derived_seed(self._member.seed, "order", epoch)
        drawn = torch.randperm(len(stays), generator=torch.Generator().manual_seed(seed))
        return stays[drawn]

    def visits(self, epochs: int) -> int:
        """Return how many stays the first `epochs` epochs visit."""
        return sum(len(self._stays(epoch)) for epoch in range(1, epochs + 1))

    def _stays(self, epoch: int) -> np.ndarray:
        full = epoch <= self._epochs and self._kind == "full_only"
        return self._full if full else self._train
