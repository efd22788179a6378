"""Protocols: every stay once, parts by the rule, and files that do not fit are refused."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleximodal.cohorts.patients import (
    fit_patients,
    read_patients,
    split_patients,
    write_patients,
)
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


SHARES = {"fractions": [0.7, 0.15, 0.15], "seed": 0, "count": 1}


@given(
    patients=st.lists(st.integers(0, 60), min_size=60, max_size=120),
    seed=st.integers(0, 1000),
    count=st.integers(1, 3),
)
def test_patients_are_divided_once_for_every_cohort(
    patients: list[int], seed: int, count: int
) -> None:
    # Ten patients at least, so that no part is empty.
    cohort = cohort_of(dict(enumerate([*patients, *range(100, 110)])))
    ids = cohort["patient_id"]
    master = split_patients(ids, SHARES["fractions"], seed, count)
    assert master.equals(split_patients(ids.reverse(), SHARES["fractions"], seed, count))
    protocol = {**SHARES, "kind": "patient", "seed": seed, "count": count}
    splits = make_splits(cohort, protocol, patients=master)
    assert splits.equals(make_splits(cohort.reverse(), protocol, patients=master))
    assert splits["split"].unique().sort().to_list() == sorted(
        f"patient{seed + number}" for number in range(count)
    )
    total = ids.n_unique()
    for (name,), rows in splits.group_by("split"):
        assert sorted(rows["stay_id"]) == sorted(cohort["stay_id"])
        joined = rows.join(cohort, on="stay_id")
        per_part = {
            part: set(joined.filter(part=part)["patient_id"]) for part in ("train", "val", "test")
        }
        assert sum(map(len, per_part.values())) == total
        assert abs(len(per_part["train"]) - 0.7 * total) <= 0.5 + 1e-9
        assert abs(len(per_part["val"]) - 0.15 * total) <= 1 + 1e-9
        told = master.filter(split=name)
        assert all(per_part[part] == set(told.filter(part=part)["patient_id"]) for part in per_part)


def test_task_with_fewer_patients_keeps_their_parts() -> None:
    everybody = cohort_of({stay: stay // 2 for stay in range(200)})
    master = split_patients(everybody["patient_id"], [0.7, 0.15, 0.15], 0, 1)
    protocol = {**SHARES, "kind": "patient"}
    whole = make_splits(everybody, protocol, patients=master)
    some = make_splits(everybody.filter(pl.col("stay_id") % 3 > 0), protocol, patients=master)
    assert some.equals(whole.filter(pl.col("stay_id") % 3 > 0))


def test_patients_of_other_seeds_differ_and_do_not_depend_on_count() -> None:
    two = split_patients(range(100), [0.7, 0.15, 0.15], 3, 2)
    assert not two.filter(split="patient3")["part"].equals(two.filter(split="patient4")["part"])
    only = split_patients(range(100), [0.7, 0.15, 0.15], 4, 1)
    assert only.equals(two.filter(split="patient4"))


def test_fitting_is_for_patients_who_are_in_train_in_every_split() -> None:
    master = split_patients(range(1, 41), [0.7, 0.15, 0.15], 0, 3)
    training = [
        set(master.filter(split=f"patient{seed}", part="train")["patient_id"]) for seed in range(3)
    ]
    assert fit_patients(master).to_list() == sorted(set.intersection(*training))
    assert len(set.intersection(*training)) < 28
    nobody = pl.DataFrame({"split": ["a", "b"], "patient_id": [1, 1], "part": ["train", "val"]})
    with pytest.raises(FleximodalError, match="No patient is in train in all of the 2 splits"):
        fit_patients(nobody)


@pytest.mark.parametrize("with_admissions", [True, False])
def test_patients_are_those_of_the_source_not_of_a_task(
    tmp_path: Path, with_admissions: bool
) -> None:
    canonical = tmp_path / "canonical"
    canonical.mkdir()
    pl.DataFrame({"patient_id": [*range(20), 3]}).write_parquet(canonical / "stays.parquet")
    if with_admissions:
        pl.DataFrame({"patient_id": [*range(30), 3]}).write_parquet(
            canonical / "admissions.parquet"
        )
    output = tmp_path / "patients"
    write_patients(canonical, output, protocol={**SHARES, "kind": "patient"})
    table = read_patients(output / "patients.parquet")
    number = 30 if with_admissions else 20
    assert table.equals(split_patients(range(number), SHARES["fractions"], 0, 1))
    assert table["patient_id"].to_list() == list(range(number))
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["rows"] == {"patients.parquet": number}


def by_stay(number: int, **changes: object) -> pl.DataFrame:
    cohort = cohort_of({stay: stay // 2 for stay in range(1000, 1000 + number)})
    return make_splits(cohort.reverse(), {**SHARES, "kind": "stay", **changes})


@pytest.mark.parametrize(
    ("stays", "sizes"),
    [
        # Sizes in the logs of the released code.
        (35131, {"train": 24591, "val": 5270, "test": 5270}),
        (14541, {"train": 10178, "val": 2181, "test": 2182}),
    ],
)
def test_stay_has_the_sizes_of_the_released_code(stays: int, sizes: dict[str, int]) -> None:
    assert dict(by_stay(stays).group_by("part").len().rows()) == sizes


def test_stay_shuffles_ascending_ids_with_the_legacy_generator() -> None:
    np.random.seed(5)
    order = list(range(1000, 1100))
    np.random.shuffle(order)
    wanted = dict.fromkeys(order[:70], "train")
    wanted |= dict.fromkeys(order[70:85], "val") | dict.fromkeys(order[85:], "test")
    two = by_stay(100, seed=4, count=2)
    assert two["split"].unique().sort().to_list() == ["stay4", "stay5"]
    assert dict(two.filter(split="stay5").select("stay_id", "part").rows()) == wanted
    assert two.equals(two.sort("split", "stay_id"))


@pytest.mark.parametrize("kind", ["stay", "patient"])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fractions": [0.7, 0.2, 0.2]}, "sum 1"),
        ({"fractions": [0.5, 0.5]}, "three positive"),
        ({"fractions": [1.2, -0.1, -0.1]}, "positive"),
        ({"count": 0}, "count 0"),
        ({"fractions": [0.98, 0.01, 0.01]}, "0 has no stay in val"),
    ],
)
def test_shares_that_cannot_be(kind: str, changes: dict, words: str) -> None:
    shares = {**SHARES, **changes}
    with pytest.raises(FleximodalError, match=words):
        master = None
        if kind == "patient":
            master = split_patients(
                SIX["patient_id"], shares["fractions"], shares["seed"], shares["count"]
            )
        make_splits(SIX, {**shares, "kind": kind}, patients=master)


def test_protocol_that_is_unknown_or_lacks_its_patients() -> None:
    with pytest.raises(FleximodalError, match="Unknown protocol kind 'thirds'"):
        make_splits(SIX, {"kind": "thirds"})
    with pytest.raises(FleximodalError, match="split the patients first"):
        make_splits(SIX, {**SHARES, "kind": "patient"})
    master = split_patients([1, 2, 3, 4], [0.5, 0.25, 0.25], 0, 1)
    with pytest.raises(FleximodalError, match="2 patients of the cohort are not among"):
        make_splits(SIX, {**SHARES, "kind": "patient"}, patients=master)
