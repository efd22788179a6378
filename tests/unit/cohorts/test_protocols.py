"""Protocols: every stay once, parts by the rule, and files that do not fit are refused."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleximodal.cohorts.protocols import make_splits
from fleximodal.errors import FleximodalError


def cohort_of(stays: dict[int, int], sets: str = "abc") -> pl.DataFrame:
    """Return a cohort from stay -> patient; sets in turn."""
    return pl.DataFrame(
        {
            "stay_id": list(stays),
            "patient_id": list(stays.values()),
            "set": [sets[number % len(sets)] for number in range(len(stays))],
        }
    )


SIX = cohort_of({stay: stay for stay in range(1, 7)})


def test_official_follows_the_sets() -> None:
    splits = make_splits(SIX, {"kind": "official"})
    assert splits.rows() == [
        ("official", 1, "train"),
        ("official", 2, "val"),
        ("official", 3, "test"),
        ("official", 4, "train"),
        ("official", 5, "val"),
        ("official", 6, "test"),
    ]


def test_official_needs_all_sets_and_no_other() -> None:
    stays = {stay: stay for stay in range(6)}
    with pytest.raises(FleximodalError, match="official has no stay in val, test"):
        make_splits(cohort_of(stays, "a"), {"kind": "official"})
    with pytest.raises(FleximodalError, match="cohort has .'d'."):
        make_splits(cohort_of(stays, "abcd"), {"kind": "official"})


def five_random(tmp_path: Path, lines: list[str]) -> Path:
    path = tmp_path / "random.csv"
    path.write_text("\n".join(["RecordID,split1,split2", *lines]) + "\n")
    return path


LINES = [
    "6,train,test",
    "5,val,test",
    "4,test,val",
    "3,test,train",
    "2,train,train",
    "1,train,train",
]


def test_five_random_reads_the_wanted_splits(tmp_path: Path) -> None:
    path = five_random(tmp_path, LINES)
    both = make_splits(SIX, {"kind": "five-random", "splits": ["split1", "split2"]}, path)
    for line in LINES:
        stay, one, two = line.split(",")
        parts = dict(both.filter(stay_id=int(stay)).select("split", "part").rows())
        assert parts == {"split1": one, "split2": two}
    single = make_splits(SIX, {"kind": "five-random", "splits": ["split2"]}, path)
    assert single.equals(both.filter(split="split2"))
    assert both.equals(both.sort("split", "stay_id"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (LINES[1:], r"random.csv: 1 ids of the cohort are not in the file \(first: 6\)"),
        ([*LINES, "9,val,val", "8,val,val"], r"2 ids are not in the cohort \(first: 8, 9\)"),
        ([*LINES, "5,val,val"], r"1 ids are repeated \(first: 5\)"),
        ([*LINES[1:], "6,train,dev"], "RecordID 6 has a value other than train, val and test"),
        ([*LINES[1:], "6,,test"], "RecordID 6 has a value"),
        ([line.replace("val", "train") for line in LINES], "split1 has no stay in val"),
    ],
)
def test_five_random_file_that_does_not_fit(tmp_path: Path, lines: list[str], words: str) -> None:
    protocol = {"kind": "five-random", "splits": ["split1", "split2"]}
    with pytest.raises(FleximodalError, match=words):
        make_splits(SIX, protocol, five_random(tmp_path, lines))


def test_five_random_names_file_and_column_that_are_absent(tmp_path: Path) -> None:
    path = five_random(tmp_path, LINES)
    with pytest.raises(FleximodalError, match="no column split9; it has RecordID, split1, split2"):
        make_splits(SIX, {"kind": "five-random", "splits": ["split9"]}, path)
    with pytest.raises(FleximodalError, match="absent.csv"):
        make_splits(SIX, {"kind": "five-random", "splits": ["split1"]}, tmp_path / "absent.csv")


@given(
    patients=st.lists(st.integers(0, 60), min_size=60, max_size=120),
    seed=st.integers(0, 1000),
    count=st.integers(1, 3),
)
def test_seeded_divides_patients(patients: list[int], seed: int, count: int) -> None:
    # Ten patients at least, so that no part is empty.
    cohort = cohort_of(dict(enumerate([*patients, *range(100, 110)])))
    protocol = {"kind": "seeded", "fractions": [0.7, 0.15, 0.15], "seed": seed, "count": count}
    splits = make_splits(cohort, protocol)
    assert splits.equals(make_splits(cohort.reverse(), protocol))
    assert splits["split"].unique().sort().to_list() == sorted(
        f"seed{seed + number}" for number in range(count)
    )
    total = cohort["patient_id"].n_unique()
    for (_,), rows in splits.group_by("split"):
        assert sorted(rows["stay_id"]) == sorted(cohort["stay_id"])
        joined = rows.join(cohort, on="stay_id")
        per_part = {
            part: set(joined.filter(part=part)["patient_id"]) for part in ("train", "val", "test")
        }
        assert sum(map(len, per_part.values())) == total
        assert abs(len(per_part["train"]) - 0.7 * total) <= 0.5 + 1e-9
        assert abs(len(per_part["val"]) - 0.15 * total) <= 1 + 1e-9


def test_seeds_differ_and_do_not_depend_on_count() -> None:
    cohort = cohort_of({stay: stay for stay in range(100)})
    protocol = {"kind": "seeded", "fractions": [0.7, 0.15, 0.15], "seed": 3, "count": 2}
    two = make_splits(cohort, protocol)
    assert not two.filter(split="seed3")["part"].equals(two.filter(split="seed4")["part"])
    only = make_splits(cohort, {**protocol, "seed": 4, "count": 1})
    assert only.equals(two.filter(split="seed4"))


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ({"kind": "thirds"}, "Unknown protocol kind 'thirds'"),
        ({"kind": "seeded", "fractions": [0.7, 0.2, 0.2], "seed": 0, "count": 1}, "sum 1"),
        ({"kind": "seeded", "fractions": [0.5, 0.5], "seed": 0, "count": 1}, "three positive"),
        ({"kind": "seeded", "fractions": [1.2, -0.1, -0.1], "seed": 0, "count": 1}, "positive"),
        ({"kind": "seeded", "fractions": [0.7, 0.15, 0.15], "seed": 0, "count": 0}, "count 0"),
        (
            {"kind": "seeded", "fractions": [0.98, 0.01, 0.01], "seed": 0, "count": 1},
            "seed0 has no stay in val, test",
        ),
    ],
)
def test_protocols_that_cannot_be(protocol: dict, words: str) -> None:
    with pytest.raises(FleximodalError, match=words):
        make_splits(SIX, protocol)
