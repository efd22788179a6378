"""Stays with modalities taken away: what a model is given when data are missing at test time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.training.seeds import derived_seed

Kind = Literal["intact", "subset", "drop"]
INTACT = "intact"
PERCENTS = tuple(range(10, 100, 10))


@dataclass(frozen=True)
class Condition:
    """One way to take modalities away.

    Attributes
    ----------
    kind
        intact: nothing is taken; subset: every stay keeps at most the modalities of `subset`;
        drop: each modality that a stay has is taken with a chance of `percent`, independently.
    subset
        Modalities joined by +; all of them unless `kind` is subset.
    percent
        0 unless `kind` is drop.
    """

    kind: Kind
    subset: str
    percent: int

    @property
    def name(self) -> str:
        """What the condition is called in files: "intact", "only:notes+ecg", "drop:30"."""
        if self.kind == "subset":
            return f"only:{self.subset}"
        return f"drop:{self.percent}" if self.kind == "drop" else INTACT


def conditions_of(modalities: str) -> list[Condition]:
    """Return the intact data, every smaller subset of `modalities`, and drop rates of 10 to 90 %.

    The whole set and the rate of 0 % are the intact data.
    """
    names = modalities.split("+")
    subsets = [
        "+".join(chosen) for size in range(1, len(names)) for chosen in combinations(names, size)
    ]
    return [
        Condition("intact", modalities, 0),
        *(Condition("subset", subset, 0) for subset in subsets),
        *(Condition("drop", modalities, percent) for percent in PERCENTS),
    ]


def one_out(modalities: str) -> list[Condition]:
    """Return the intact data and, for each modality, every stay without it."""
    kept = modalities.count("+")
    return [
        condition
        for condition in conditions_of(modalities)
        if condition.kind == "intact"
        or (condition.kind == "subset" and condition.subset.count("+") == kept - 1)
    ]


def without(dataset: PackedDataset, taken: Mapping[str, np.ndarray]) -> PackedDataset:
    """Return the dataset in which some stays have nothing of some modalities.

    Parameters
    ----------
    dataset
        n stays.
    taken
        Modality to (n,) bool, True for the stays that lose it. Modalities that are not named, and
        all other stays, keep what they have; a stay may lose everything.
    """
    changed = {
        name: _without_stays(dataset.modalities[name], lost)
        for name, lost in taken.items()
        if lost.any()
    }
    # In the order of the dataset, on which the models rely.
    modalities = {name: changed.get(name, kept) for name, kept in dataset.modalities.items()}
    return replace(dataset, modalities=modalities)


def under(dataset: PackedDataset, condition: Condition) -> PackedDataset:
    """Return the dataset as it is under `condition`.

    What is dropped depends on the dataset's stays and the modality's name alone: all methods,
    splits and seeds lose the same, and what is lost at one rate is lost at every higher one.
    """
    names = list(dataset.modalities)
    if condition.kind == "subset":
        everybody = np.ones(dataset.num_stays, dtype=bool)
        kept = condition.subset.split("+")
        return without(dataset, {name: everybody for name in names if name not in kept})
    if condition.kind == "drop":
        chance = condition.percent / 100
        return without(dataset, {name: _luck(dataset.stay_id, name) < chance for name in names})
    return dataset


def _luck(stay_id: np.ndarray, modality: str) -> np.ndarray:
    """Return a uniform number in [0, 1) for each stay, (n,)."""
    seed = derived_seed("drop", modality)
    # One generator for all stays in the order of their numbers, whatever order they are stored in.
    numbers = np.random.default_rng(seed).random(len(stay_id))
    return numbers[np.argsort(np.argsort(stay_id, kind="stable"), kind="stable")]


def _without_stays(modality: Series | Items, lost: np.ndarray) -> Series | Items:
    count = np.diff(modality.row_offsets)
    kept = np.repeat(~lost, count)
    rows = {
        "row_offsets": _offsets(np.where(lost, 0, count)),
        "hours": modality.hours[kept],
    }
    if isinstance(modality, Items):
        return replace(modality, **rows, features_array=modality.features_array[kept])
    inside = np.diff(modality.observation_offsets)
    observed = np.repeat(kept, inside)
    return replace(
        modality,
        **rows,
        observation_offsets=_offsets(inside[kept]),
        channel=modality.channel[observed],
        value=modality.value[observed],
    )


def _offsets(count: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
