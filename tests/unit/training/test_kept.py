"""Which stays a cell uses."""

import numpy as np
import pytest

from fleximodal.dataset.packed import Items, PackedDataset, Series
from fleximodal.errors import FleximodalError
from fleximodal.training.kept import kept_stays, without_modality
from tests.unit.dataset.tables import study, table

ROWS = [3, 10, 9, 12, 1, 4]
NOTES = [1, 1, 0, 2, 0, 1]
IMAGES = [0, 1, 1, 1, 0, 1]
PARTS = {"train": np.array([0, 1, 2]), "val": np.array([4, 3]), "test": np.array([5, 4])}


def dataset() -> PackedDataset:
    stays = len(ROWS)

    def offsets(counts: list[int]) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(counts)])

    def items(name: str, counts: list[int]) -> Items:
        total = sum(counts)
        values = np.zeros((total, 1), dtype=np.float32)
        return Items(name, ("a",), offsets(counts), np.zeros(total, dtype=np.float32), values)

    total = sum(ROWS)
    series = Series(
        "vitals",
        ("HR",),
        offsets(ROWS),
        np.zeros(total, dtype=np.float32),
        np.arange(total + 1),
        np.zeros(total, dtype=np.int16),
        np.zeros(total, dtype=np.float32),
    )
    modalities = {
        "vitals": series,
        "notes": items("notes", NOTES),
        "cxr": items("cxr", IMAGES),
    }
    ids, label = np.arange(stays), np.zeros(stays, dtype=np.int8)
    return PackedDataset("toy", "48-IHM", 48.0, 48.0, ("death",), ids, ids, label, modalities)


def kept(**options: object) -> dict[str, list[int]]:
    parts = kept_stays(dataset(), PARTS, **{"cases": "all"} | options)
    return {part: positions.tolist() for part, positions in parts.items()}


def test_nothing_is_left_out_by_default() -> None:
    whole = {part: positions.tolist() for part, positions in PARTS.items()}
    assert kept() == whole
    assert kept(overlong="truncate", limit=10) == whole
    assert kept(overlong="drop", limit=None) == whole


@pytest.mark.parametrize(
    ("cases", "wanted"),
    [
        ("vitals+notes", {"train": [0, 1], "val": [3], "test": [5]}),
        ("vitals+notes+cxr", {"train": [1], "val": [3], "test": [5]}),
        ("cxr", {"train": [1, 2], "val": [3], "test": [5]}),
    ],
)
def test_complete_cases_have_each_modality_named(cases: str, wanted: dict[str, list[int]]) -> None:
    assert kept(cases=cases) == wanted


def test_k15_the_released_code_drops_long_stays_from_every_part() -> None:
    assert kept(overlong="drop", limit=10) == {"train": [0, 2], "val": [4], "test": [5, 4]}


def test_both_at_once_and_inputs_are_left_alone() -> None:
    before = {part: positions.copy() for part, positions in PARTS.items()}
    assert kept(cases="cxr", overlong="drop", limit=13)["val"] == [3]
    for part, positions in PARTS.items():
        np.testing.assert_array_equal(positions, before[part])


def test_unknown_modality_and_empty_part_are_named() -> None:
    with pytest.raises(FleximodalError, match="no modality ecg"):
        kept(cases="vitals+ecg")
    with pytest.raises(FleximodalError, match="no stay of part 'val' of toy/48-IHM"):
        kept(cases="notes", overlong="drop", limit=10)


def test_stays_without_any_table_are_left_out_of_every_part() -> None:
    values = np.zeros((6, 1), dtype=np.float32)
    have = {"a": [1, 0, 0, 1, 0, 1], "b": [1, 1, 0, 0, 0, 0]}
    tables = [table(name, values, np.array(there)) for name, there in have.items()]
    subjects = study(tables, np.zeros(6))
    assert without_modality(subjects).tolist() == [False, False, True, False, True, False]
    alone = without_modality(subjects.select(["b"]))
    assert alone.tolist() == [False, False, True, True, True, True]
    assert kept(unseen=without_modality(subjects)) == {"train": [0, 1], "val": [3], "test": [5]}
    with pytest.raises(FleximodalError, match="no stay of part 'val'"):
        kept(unseen=alone)


def test_stays_without_series_or_items_stay() -> None:
    items = dataset().select(["notes", "cxr"])
    assert NOTES[4] == IMAGES[4] == 0
    assert not without_modality(items).any()
