"""Each gate passes on clean data and fails on its planted leak."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleximodal.cohorts.fitting import check_encoder_patients, check_scalers, hash_of_stays
from fleximodal.cohorts.leakage import write_leakage
from fleximodal.cohorts.membership import check_complete, check_patients, check_stays
from fleximodal.cohorts.verdicts import LeakageError
from fleximodal.cohorts.windows import check_hours, check_window
from fleximodal.errors import FleximodalError

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
    stays = check_stays(CLEAN, COHORT)
    assert stays == {
        "name": "stays-disjoint",
        "verdict": "passed",
        "numbers": {"one": 5, "two": 5},
    }
    assert check_patients(CLEAN, COHORT, "patient")["numbers"] == {"one": 4, "two": 4}
    numbers = check_complete(CLEAN, COHORT)["numbers"]
    assert numbers["one"]["train"] == {"stays": 3, "patients": 2, "positive": 1}
    assert numbers["two"]["test"] == {"stays": 2, "patients": 1, "positive": 1}


def test_stay_in_two_parts_fails() -> None:
    twice = pl.DataFrame([("one", 2, "test")], schema=CLEAN.schema, orient="row")
    leaky = pl.concat([CLEAN, twice])
    with pytest.raises(LeakageError, match=r"share the same stay between parts \(1 in one\)"):
        check_stays(leaky, COHORT)


def test_patient_in_two_parts_fails() -> None:
    leaky = splits_of(one="tttvx", two="txtvx")
    check_stays(leaky, COHORT)
    with pytest.raises(LeakageError, match=r"share the same patient between parts \(1 in two\)"):
        check_patients(leaky, COHORT, "patient")


def test_patient_in_two_parts_is_reported_under_protocol_stay() -> None:
    gate = check_patients(splits_of(one="tttvx", two="txtvx"), COHORT, "stay")
    assert (gate["name"], gate["verdict"]) == ("patients-disjoint", "reported")
    assert gate["numbers"]["one"]["shared_patients"] == 0
    assert gate["numbers"]["two"] == {
        "patients": 4,
        "shared_patients": 1,
        "val": {"stays": 1, "train_patient": 0},
        "test": {"stays": 2, "train_patient": 1},
    }


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


def test_hours_include_both_ends() -> None:
    hours = {"vitals": (0.0, 48.0), "notes": (3.0, 47.9)}
    gate = check_hours(hours, 48.0)
    assert (gate["name"], gate["verdict"]) == ("hours-within-window", "passed")
    assert gate["numbers"]["modalities"]["notes"] == {"least": 3.0, "greatest": 47.9}
    assert check_hours({"vitals": (0.0, 900.0)}, None)["verdict"] == "passed"


@pytest.mark.parametrize(
    ("hours", "window", "words"),
    [
        ((0.0, 48.02), 48.0, "Modality notes .* from hour 0 to 48.02, but the window is 0 to 48"),
        ((-0.5, 47.0), 48.0, "from hour -0.5 to 47"),
        ((-0.5, 900.0), None, "from hour -0.5 to 900, but the window is the whole stay"),
        ((float("nan"), float("nan")), None, "from hour nan"),
    ],
)
def test_hours_out_of_the_window_fail(
    hours: tuple[float, float], window: float | None, words: str
) -> None:
    with pytest.raises(LeakageError, match=words):
        check_hours({"vitals": (0.0, 1.0), "notes": hours}, window)


def lengths(hours: list[float | None], label: list[Any] | None = None) -> pl.DataFrame:
    label = label or [0] * len(hours)
    frame = pl.DataFrame({"hours": hours}, schema={"hours": pl.Float32})
    several = isinstance(label[0], list)
    kind = pl.Array(pl.Int8, len(label[0])) if several else pl.Int8
    return frame.with_columns(label=pl.Series(label, dtype=kind))


def test_fixed_window_passes_where_every_stay_reaches_its_end() -> None:
    # Two days to four decimals may lack four seconds.
    gate = check_window(lengths([48.0, 47.9988, 700.0]), 48.0, full_window=True)
    assert gate["verdict"] == "passed"
    assert gate["numbers"] == {"window_hours": 48.0, "stays": 3, "unknown_length": 0}


def test_stay_shorter_than_the_fixed_window_fails() -> None:
    with pytest.raises(LeakageError, match="2 stays .* before the window of 24 hours"):
        check_window(lengths([23.9, 24.0, 3.0]), 24.0, full_window=True)


def test_task_that_allows_shorter_stays_reports_what_the_length_tells() -> None:
    gate = check_window(lengths([10.0, 20.0, 30.0], [0, 1, 1]), 24.0, full_window=False)
    assert (gate["verdict"], gate["numbers"]["auroc"]) == ("reported", 1.0)


def test_untold_lengths_are_reported() -> None:
    gate = check_window(lengths([None, None]), 48.0, full_window=True)
    assert (gate["verdict"], gate["numbers"]["unknown_length"]) == ("reported", 2)


def test_whole_stay_reports_what_its_length_tells() -> None:
    hours, label = [10.0, 20.0, 30.0, 40.0, 50.0], [0, 1, 0, 1, 1]
    gate = check_window(lengths([*hours, None], [*label, 1]), None, full_window=True)
    assert gate["verdict"] == "reported"
    # Of the six pairs of a one and a zero five are in order.
    assert gate["numbers"]["auroc"] == pytest.approx(5 / 6)
    several = [[one, 0, 1 - one] for one in label]
    numbers = check_window(lengths(list(hours), several), None, full_window=True)["numbers"]
    assert numbers["auroc"] == pytest.approx((5 / 6 + 1 / 6) / 2)
    assert numbers["undefined_labels"] == 1


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


def fitted(tmp_path: Path, patients: list[int]) -> Path:
    path = tmp_path / "fitted.parquet"
    pl.DataFrame({"patient_id": patients}, schema={"patient_id": pl.Int64}).write_parquet(path)
    return path


def test_autoencoder_of_training_patients_passes(tmp_path: Path) -> None:
    # 99 has no stay in the cohort; 10 is in test in the second split.
    path = fitted(tmp_path, [30, 10, 99])
    one = splits_of(one="tttvx")
    gate = check_encoder_patients(path, one, COHORT, "patient")
    assert (gate["name"], gate["verdict"]) == ("autoencoder-fitted-on-training", "passed")
    assert gate["numbers"] == {"one": {"val": 0, "test": 0}, "fitted_on": 3}


def test_autoencoder_of_held_out_patients_fails_and_is_reported_under_stay(tmp_path: Path) -> None:
    path = fitted(tmp_path, [30, 10, 50])
    with pytest.raises(LeakageError, match=r"\(1 of test in one, 1 of test in two, 1 of val in t"):
        check_encoder_patients(path, splits_of(one="tttvx", two="xxvtt"), COHORT, "patient")
    gate = check_encoder_patients(path, splits_of(one="tttvx"), COHORT, "stay")
    assert (gate["verdict"], gate["numbers"]["one"]) == ("reported", {"val": 0, "test": 1})


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Any]:
    """Return the arguments of a report on which every gate passes: twenty stays of ten patients."""
    stays = list(range(1, 21))
    cohort = pl.DataFrame(
        {
            "stay_id": stays,
            "patient_id": [number // 2 for number in stays],
            "label": [number % 2 for number in stays],
            "has_vitals": [True] * 20,
            "has_notes": [number % 3 > 0 for number in stays],
            "hours": [50.0] * 20,
        },
        schema_overrides={"label": pl.Int8, "hours": pl.Float32},
    )
    folder = tmp_path / "cohort"
    folder.mkdir()
    cohort.write_parquet(folder / "cohort.parquet")
    (folder / "task.json").write_text(json.dumps({"window_hours": 48.0, "full_window": True}))
    part = ["train"] * 13 + ["val"] * 2 + ["test"] * 5
    splits = pl.DataFrame({"split": ["patient0"] * 20, "stay_id": stays, "part": part})
    splits.write_parquet(tmp_path / "splits.parquet")
    (tmp_path / "scalers.json").write_text(json.dumps({"patient0": scaler(stays[:13])}))
    pl.DataFrame(
        {
            "stay_id": stays,
            "hours": [float(number) for number in stays],
            "text": [f"note {chr(96 + number) * 4} about nothing else" for number in stays],
        }
    ).write_parquet(tmp_path / "notes.parquet")
    return {
        "output": tmp_path / "leakage",
        "cohort_folder": folder,
        "splits": tmp_path / "splits.parquet",
        "scalers": tmp_path / "scalers.json",
        "hours_range": {"vitals": (0.0, 48.0)},
        "notes": tmp_path / "notes.parquet",
        "encoder_patients": fitted(tmp_path, [1, 2, 3]),
        "protocol_kind": "patient",
        "limits": {"near_duplicate_share": 0.1},
    }


NAMES = [
    "stays-disjoint",
    "patients-disjoint",
    "cohort-complete",
    "hours-within-window",
    "scalers-fitted-on-training",
    "window-independent-of-label",
    "autoencoder-fitted-on-training",
    "near-duplicate-notes",
]


def test_report_holds_every_gate(folders: dict[str, Any]) -> None:
    write_leakage(**folders)
    report = json.loads((folders["output"] / "leakage.json").read_text())
    assert [(gate["name"], gate["verdict"]) for gate in report["gates"]] == [
        (name, "passed") for name in NAMES
    ]
    assert list(report["missingness_only"]) == ["notes", "vitals", "vitals+notes"]
    assert report["missingness_only"]["vitals"] == {
        "patient0": {"auroc": 0.5, "n_train": 13, "n_test": 5}
    }
    manifest = json.loads((folders["output"] / "manifest.json").read_text())
    assert sorted(manifest["inputs"]) == [
        *("cohort.parquet", "fitted.parquet", "notes.parquet"),
        *("scalers.json", "splits.parquet", "task.json"),
    ]


def test_report_without_notes_and_autoencoder_has_no_gate_for_them(
    folders: dict[str, Any],
) -> None:
    write_leakage(**folders | {"notes": None, "encoder_patients": None})
    report = json.loads((folders["output"] / "leakage.json").read_text())
    assert [gate["name"] for gate in report["gates"]] == NAMES[:6]


def edit(path: Path, **columns: Any) -> None:
    pl.read_parquet(path).with_columns(**columns).write_parquet(path)


LEAKS: dict[str, Any] = {
    "share the same patient": lambda given: edit(
        given["cohort_folder"] / "cohort.parquet", patient_id=pl.lit(1, dtype=pl.Int64)
    ),
    "stays of the cohort are lost": lambda given: edit(
        given["splits"], stay_id=pl.col("stay_id").replace(20, 99)
    ),
    "reaches from hour": lambda given: given.update(hours_range={"vitals": (0.0, 49.0)}),
    "scaler of patient0": lambda given: given["scalers"].write_text(
        json.dumps({"patient0": scaler([1, 2])})
    ),
    "before the window of 48 hours": lambda given: edit(
        given["cohort_folder"] / "cohort.parquet", hours=pl.lit(47.0, dtype=pl.Float32)
    ),
    "fitted on patients held out": lambda given: edit(
        given["encoder_patients"], patient_id=pl.col("patient_id") + 7
    ),
    "have a near-duplicate in train": lambda given: edit(given["notes"], text=pl.lit("the same")),
}


@pytest.mark.parametrize("words", list(LEAKS))
def test_one_leak_leaves_no_report(folders: dict[str, Any], words: str) -> None:
    LEAKS[words](folders)
    with pytest.raises(LeakageError, match=words):
        write_leakage(**folders)
    assert not folders["output"].exists()


def test_absent_scalers_are_named(folders: dict[str, Any]) -> None:
    folders["scalers"].unlink()
    with pytest.raises(FleximodalError, match="scalers.json does not exist; fit the scalers"):
        write_leakage(**folders)
