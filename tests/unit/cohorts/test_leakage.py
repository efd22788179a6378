"""Each gate passes on clean data and fails on its planted leak."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from fleximodal.cohorts.leakage import (
    LeakageError,
    check_complete,
    check_disjoint,
    check_scalers,
    check_window,
    hash_of_stays,
)
from fleximodal.cohorts.missingness import missingness_only

COHORT = pl.DataFrame(
    {
        "stay_id": [1, 2, 3, 4, 5],
        "patient_id": [10, 10, 30, 40, 50],
        "label": [0, 1, 0, 1, 0],
    },
    schema_overrides={"label": pl.Int8},
)


def splits_of(**parts: str) -> pl.DataFrame:
    """Return one split per keyword; the letters are the parts of stays 1, 2, ..."""
    names = {"t": "train", "v": "val", "x": "test"}
    rows = [
        (split, stay, names[letter])
        for split, letters in parts.items()
        for stay, letter in enumerate(letters, start=1)
    ]
    return pl.DataFrame(rows, schema=["split", "stay_id", "part"], orient="row")


CLEAN = splits_of(one="tttvx", two="xxvtt")


def test_clean_splits_pass_with_their_numbers() -> None:
    stays = check_disjoint(CLEAN, COHORT, "stay_id")
    assert stays == {
        "name": "stays-disjoint",
        "verdict": "passed",
        "numbers": {"one": 5, "two": 5},
    }
    assert check_disjoint(CLEAN, COHORT, "patient_id")["numbers"] == {"one": 4, "two": 4}
    numbers = check_complete(CLEAN, COHORT)["numbers"]
    assert numbers["one"]["train"] == {"stays": 3, "patients": 2, "positive": 1}
    assert numbers["two"]["test"] == {"stays": 2, "patients": 1, "positive": 1}


def test_stay_in_two_parts_fails() -> None:
    twice = pl.DataFrame([("one", 2, "test")], schema=CLEAN.schema, orient="row")
    leaky = pl.concat([CLEAN, twice])
    with pytest.raises(LeakageError, match=r"share the same stay between parts \(1 in one\)"):
        check_disjoint(leaky, COHORT, "stay_id")


def test_patient_in_two_parts_fails() -> None:
    leaky = splits_of(one="tttvx", two="txtvx")
    check_disjoint(leaky, COHORT, "stay_id")
    with pytest.raises(LeakageError, match=r"share the same patient between parts \(1 in two\)"):
        check_disjoint(leaky, COHORT, "patient_id")


@pytest.mark.parametrize(
    ("leaky", "words"),
    [
        (splits_of(one="tttvxx"), "Split one: 1 stays are not in the cohort, 0 stays"),
        (splits_of(one="tttvx", two="tttv"), "Split two: 0 stays .* 1 stays of the cohort"),
        (pl.concat([CLEAN, CLEAN.head(1)]), "1 rows repeat a stay"),
    ],
)
def test_stays_lost_strange_or_repeated_fail(leaky: pl.DataFrame, words: str) -> None:
    with pytest.raises(LeakageError, match=words):
        check_complete(leaky, COHORT)


def events(tmp_path: Path, hours: list[float | None]) -> Path:
    path = tmp_path / "events.parquet"
    pl.DataFrame({"hours": hours}, schema={"hours": pl.Float32}).write_parquet(path)
    return path


def test_window_includes_both_ends(tmp_path: Path) -> None:
    verdict = check_window(events(tmp_path, [0.0, 47.9, 48.0]), 48.0)
    assert verdict["verdict"] == "passed"
    assert verdict["numbers"]["observations"] == 3


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ([1.0, 48.02, 50.0], "2 observations after 48 hours, 0 before"),
        ([-0.1, 1.0], "0 observations after 48 hours, 1 before"),
        ([1.0, None], "1 without a time"),
        ([1.0, float("nan")], "1 without a time"),
    ],
)
def test_observations_out_of_the_window_fail(
    tmp_path: Path, hours: list[float | None], words: str
) -> None:
    with pytest.raises(LeakageError, match=words):
        check_window(events(tmp_path, hours), 48.0)


def scaler(stays: list[int], **changes: object) -> dict:
    entry = {"fitted_on": "train", "n_stays": len(stays), "stays_sha256": hash_of_stays(stays)}
    return {**entry, **changes}


def test_scalers_of_training_stays_pass() -> None:
    verdict = check_scalers(CLEAN, {"one": scaler([3, 1, 2]), "two": scaler([4, 5])})
    assert verdict["numbers"] == {"one": {"n_stays": 3}, "two": {"n_stays": 2}}


@pytest.mark.parametrize(
    "leaky",
    [
        scaler([1, 2, 3, 4, 5]),  # everything
        scaler([1, 2, 4]),  # as many, but one of them of val
        scaler([1, 2, 3], fitted_on="all"),
        scaler([1, 2, 3], n_stays=4),
    ],
)
def test_scaler_of_other_stays_fails(leaky: dict) -> None:
    with pytest.raises(LeakageError, match="scaler of one was fitted on"):
        check_scalers(CLEAN, {"one": leaky, "two": scaler([4, 5])})


def test_split_without_scaler_fails() -> None:
    with pytest.raises(LeakageError, match="Scalers exist for one but the splits are one, two"):
        check_scalers(CLEAN, {"one": scaler([1, 2, 3])})


def test_hash_of_stays_is_over_the_sorted_ids() -> None:
    wanted = hashlib.sha256(json.dumps([2, 7, 30]).encode()).hexdigest()
    assert hash_of_stays([30, 2, 7]) == wanted


def test_missingness_only_ranks_test_stays_by_the_rate_of_their_pattern() -> None:
    # In train, 3 of 4 without labs die and 1 of 4 with labs: the flag alone ranks the test stays.
    has_labs = [False] * 4 + [True] * 4 + [False, False, True, True, True]
    label = [1, 1, 1, 0] + [1, 0, 0, 0] + [1, 0, 1, 0, 0]
    stays = list(range(1, 14))
    cohort = pl.DataFrame(
        {"stay_id": stays, "label": label, "has_labs": has_labs, "has_static": [True] * 13}
    )
    splits = splits_of(only="t" * 8 + "x" * 5)
    report = missingness_only(cohort, splits)
    wanted = roc_auc_score(label[8:], [not flag for flag in has_labs[8:]])
    assert report == {"only": {"auroc": pytest.approx(wanted), "n_train": 8, "n_test": 5}}


def test_missingness_only_of_one_class_is_none() -> None:
    cohort = pl.DataFrame({"stay_id": [1, 2, 3], "label": [0, 1, 0], "has_labs": [True] * 3})
    assert missingness_only(cohort, splits_of(only="ttx"))["only"]["auroc"] is None
