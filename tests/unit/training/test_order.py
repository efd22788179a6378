"""The order of stays in warm-up epochs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fleximodal.errors import FleximodalError
from fleximodal.methods.settings import NetworkSettings
from fleximodal.training.member import Member
from fleximodal.training.order import EpochOrder
from fleximodal.training.seeds import derived_seed
from tests.unit.dataset.tables import study, table
from tests.unit.training.toy import cohort
from tests.unit.training.toy import member as toy_member

#                 0  1  2  3  4  5  6  7
THERE = np.array([[1, 1, 0, 1, 0, 1, 1, 0], [1, 0, 1, 1, 0, 1, 0, 1], [1, 0, 0, 1, 1, 1, 1, 1]])
COUNT = [3, 1, 1, 3, 1, 3, 2, 2]
TRAIN = np.array([1, 2, 3, 4, 5, 6, 7])


def run() -> Member:
    values = np.zeros((8, 1), dtype=np.float32)
    tables = [table(name, values, there) for name, there in zip("abc", THERE, strict=True)]
    parts = {"train": TRAIN, "val": np.array([0]), "test": np.array([0])}
    return Member(study(tables, np.zeros(8)), "s", 32, parts, None)  # type: ignore[arg-type]


def orders(kind: str, epochs: int = 2, **more: str) -> list[list[int]]:
    settings = NetworkSettings(warmup_epochs=epochs, warmup_order=kind, **more)
    order = EpochOrder(run(), settings)
    return [order.positions(epoch).tolist() for epoch in (1, 2, 3, 4)]


def shuffled(stays: np.ndarray, epoch: int) -> list[int]:
    generator = torch.Generator().manual_seed(derived_seed(32, "order", epoch))
    return stays[torch.randperm(len(stays), generator=generator).numpy()].tolist()


def test_sorted_is_by_number_of_modalities_then_position() -> None:
    first, second, third, fourth = orders("sorted")
    assert first == second == [3, 5, 6, 7, 1, 2, 4]
    assert [COUNT[stay] for stay in first] == [3, 3, 2, 2, 1, 1, 1]
    assert (third, fourth) == (shuffled(TRAIN, 3), shuffled(TRAIN, 4))
    assert sorted(first) == sorted(third) == TRAIN.tolist()


def test_ascending_begins_with_the_fewest() -> None:
    assert orders("ascending", 1)[:2] == [[1, 2, 4, 6, 7, 3, 5], shuffled(TRAIN, 2)]


def test_full_only_visits_complete_stays_alone() -> None:
    found = orders("full_only", 1)
    assert found[0] == shuffled(np.array([3, 5]), 1)
    assert found[1] == shuffled(TRAIN, 2)
    settings = NetworkSettings(warmup_epochs=2, warmup_order="full_only")
    assert EpochOrder(run(), settings).visits(3) == 2 + 2 + 7


def test_shuffled_and_no_warmup_are_drawn_anew() -> None:
    wanted = [shuffled(TRAIN, epoch) for epoch in (1, 2, 3, 4)]
    assert orders("shuffled") == wanted
    assert orders("sorted", 0) == wanted
    assert EpochOrder(run(), NetworkSettings()).visits(3) == 21


@pytest.mark.parametrize("kind", ["sorted", "ascending"])
def test_filled_in_tables_count_as_there(kind: str) -> None:
    assert orders(kind, table_imputation="mean")[0] == TRAIN.tolist()


def test_full_only_needs_a_complete_stay() -> None:
    member = run()
    few = replace(member, parts=member.parts | {"train": np.array([1, 2])})
    with pytest.raises(FleximodalError, match="no training stay .* has all of a, b, c"):
        EpochOrder(few, NetworkSettings(warmup_epochs=1, warmup_order="full_only"))
    EpochOrder(few, NetworkSettings(warmup_epochs=0, warmup_order="full_only"))


def test_series_count_too() -> None:
    member = toy_member(cohort(40))
    settings = NetworkSettings(warmup_epochs=1, warmup_order="sorted")
    found = EpochOrder(member, settings).positions(1).numpy()
    series = [np.diff(one.row_offsets) > 0 for one in member.dataset.modalities.values()]
    count = np.sum(series, axis=0)
    assert (np.diff(count[found]) <= 0).all() and len(set(count[found])) > 1
