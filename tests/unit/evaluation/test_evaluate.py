"""The files of a cell, and predictions that cannot be evaluated."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from fleximodal.errors import FleximodalError
from fleximodal.evaluation import metrics
from fleximodal.evaluation.evaluate import evaluate_cell
from fleximodal.evaluation.names import METRICS

Make = Callable[..., pd.DataFrame]
Store = Callable[[pd.DataFrame], Path]


def evaluated(path: Path, cell: dict[str, str], name: str = "out") -> Path:
    folder = path.parent / name
    evaluate_cell(path, folder, cell=cell, replicates=40, seed=3)
    return folder


def test_summary_is_that_of_the_runs(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions(("split1", "split2"), (5, 6))
    folder = evaluated(stored(frame.sample(frac=1, random_state=0)), cell)
    found = json.loads((folder / "metrics.json").read_text())
    tested = frame[frame["part"] == "test"]
    aurocs = pd.Series(
        {
            (split, seed): roc_auc_score(run["label"], run["score"])
            for (split, seed), run in tested.groupby(["split", "seed"])
        }
    )
    assert [(run["split"], run["seed"]) for run in found["runs"]] == list(aurocs.index)
    assert [run["metrics"]["auroc"] for run in found["runs"]] == pytest.approx(list(aurocs))
    summary = found["summary"]["auroc"]
    assert summary["mean"] == pytest.approx(aurocs.mean())
    assert summary["sd"] == pytest.approx(aurocs.std(ddof=1))
    assert summary["low"] < summary["mean"] < summary["high"]
    assert set(found["summary"]) == set(METRICS)
    assert found["n_runs"] == 4
    assert found["n_stays"] == tested["stay_id"].nunique()
    assert found["n_patients"] == tested["patient_id"].nunique() < found["n_stays"]
    assert found["prevalence"] == pytest.approx(tested.groupby("stay_id")["label"].first().mean())
    assert found["cell"] == cell
    assert (found["data"], found["part"]) == ("synthetic", "test")
    assert found["bootstrap"] == {"replicates": 40, "seed": 3}


def test_threshold_comes_from_the_validation_part(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions(seeds=(5,))
    folder = evaluated(stored(frame), cell)
    run = json.loads((folder / "metrics.json").read_text())["runs"][0]
    val, test = (frame[frame["part"] == part] for part in ("val", "test"))
    threshold = metrics.best_f1_threshold(val["label"].to_numpy(), val["score"].to_numpy())
    assert run["threshold"] == threshold
    assert run["metrics"]["f1_tuned"] == pytest.approx(
        f1_score(test["label"], test["score"] >= threshold)
    )


def test_one_run_has_no_deviation(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    folder = evaluated(stored(make_predictions(seeds=(5,))), cell | {"source": "physionet2012"})
    found = json.loads((folder / "metrics.json").read_text())
    assert found["summary"]["auroc"]["sd"] is None
    assert found["data"] == "real"


def test_a_slope_that_does_not_exist_is_null_with_a_reason(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions()
    frame.loc[frame["seed"] == 2, "score"] = 0.25
    folder = evaluated(stored(frame), cell)
    found = json.loads((folder / "metrics.json").read_text())
    assert found["runs"][0]["metrics"]["calibration_slope"] is not None
    assert found["runs"][1]["metrics"]["calibration_slope"] is None
    summary = found["summary"]["calibration_slope"]
    assert [summary[name] for name in ("mean", "sd", "low", "high")] == [None] * 4
    assert summary["reason"] == "all scores are equal"


def test_curves_lie_on_their_grids(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions(seeds=(5, 6))
    found = json.loads((evaluated(stored(frame), cell) / "curves.json").read_text())
    roc, pr = found["roc"], found["precision_recall"]
    assert roc["false_positive_rate"] == pr["recall"] == pytest.approx(np.arange(101) / 100)
    test = frame[frame["part"] == "test"]
    rates, precisions = [], []
    for _, run in test.groupby("seed"):
        positives, negatives = run["score"][run["label"] == 1], run["score"][run["label"] == 0]
        # The precision where a fifth of the positives is found, by counting.
        threshold = positives.sort_values(ascending=False).iloc[
            int(np.ceil(len(positives) / 5)) - 1
        ]
        flagged = run["score"] >= threshold
        precisions.append(run["label"][flagged].mean())
        rates.append(np.mean(positives.to_numpy()[:, None] > negatives.to_numpy()))
    assert pr["precision"][20] == pytest.approx(np.mean(precisions))
    area = np.trapezoid(roc["true_positive_rate"], roc["false_positive_rate"])
    assert area == pytest.approx(np.mean(rates), abs=0.01)
    assert pr["precision"][100] >= test["label"].mean() - 0.05
    bins = found["reliability"]
    assert sum(bins["n"]) == len(test)
    assert bins["n"] == [24] * 10
    assert np.dot(bins["n"], bins["observed_fraction"]) == pytest.approx(test["label"].sum())
    assert np.dot(bins["n"], bins["mean_score"]) == pytest.approx(test["score"].sum())
    assert bins["mean_score"] == sorted(bins["mean_score"])


def test_nothing_of_a_single_stay_is_written(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions()
    folder = evaluated(stored(frame), cell)
    text = "".join(path.read_text() for path in sorted(folder.iterdir()))
    numbers = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)}
    assert 120.0 in numbers  # the number of stays, so the pattern finds numbers
    for name in ("stay_id", "patient_id"):
        assert name not in text
        assert numbers.isdisjoint(frame[name])
    assert numbers.isdisjoint(frame["score"][frame["part"] == "test"])
    curves = json.loads((folder / "curves.json").read_text())
    longest = max(
        len(v)
        for panel in curves.values()
        if isinstance(panel, dict)
        for v in panel.values()
        if isinstance(v, list)
    )
    assert longest == 101 < (frame["part"] == "test").sum()


def test_equal_input_gives_equal_bytes(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions()
    first = evaluated(stored(frame), cell, "first")
    again = evaluated(stored(frame.iloc[::-1]), cell, "again")
    for name in ("metrics.json", "curves.json"):
        assert (first / name).read_bytes() == (again / name).read_bytes()
    manifest = json.loads((first / "manifest.json").read_text())
    assert manifest["rows"] == {"predictions.parquet": len(frame)}


def test_one_class_names_cell_split_and_seed(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions()
    frame.loc[(frame["part"] == "test") & (frame["seed"] == 2), "label"] = 0
    path = stored(frame)
    expected = (
        r"cell synthetic-physionet2012/48-IHM/official/all/vitals\+labs/Concat/paper, "
        "split 'official', seed 2: the test part has only label 0"
    )
    with pytest.raises(FleximodalError, match=expected):
        evaluated(path, cell)
    assert not (path.parent / "out").exists()


def test_a_run_without_validation_part_is_refused(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions()
    with pytest.raises(FleximodalError, match="seed 1: the val part has no stays"):
        evaluated(stored(frame[frame["part"] == "test"]), cell)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("score", np.nan, "row 8: 'score' is missing"),
        ("score", np.inf, "row 8: 'score' is not a finite number"),
        ("score", 1.2, "row 8: 'score' is not a probability"),
        ("label", 2, "row 8: 'label' is neither 0 nor 1"),
        ("part", "train", "row 8: 'part' is neither val nor test"),
        ("part", None, "row 8: 'part' is missing"),
        ("patient_id", None, "row 8: 'patient_id' is missing"),
    ],
)
def test_faulty_values_are_named(
    make_predictions: Make,
    stored: Store,
    cell: dict[str, str],
    column: str,
    value: Any,
    message: str,
) -> None:
    frame = make_predictions().astype({column: object})
    frame.loc[7, column] = value
    with pytest.raises(FleximodalError, match=f"predictions.parquet: {message}"):
        evaluated(stored(frame), cell)


def test_a_stay_twice_is_refused(
    make_predictions: Make, stored: Store, cell: dict[str, str]
) -> None:
    frame = make_predictions()
    frame = pd.concat([frame, frame.iloc[[4]]], ignore_index=True)
    with pytest.raises(FleximodalError, match=f"row {len(frame)}: the stay is there twice"):
        evaluated(stored(frame), cell)


def test_unusable_files_are_refused(
    make_predictions: Make, stored: Store, cell: dict[str, str], tmp_path: Path
) -> None:
    frame = make_predictions()
    with pytest.raises(FleximodalError, match="column 'score' is missing"):
        evaluated(stored(frame.drop(columns="score")), cell)
    with pytest.raises(FleximodalError, match="column 'label' is of type String"):
        evaluated(stored(frame.astype({"label": str})), cell)
    with pytest.raises(FleximodalError, match="holds no predictions"):
        evaluated(stored(frame.iloc[:0]), cell)
    damaged = stored(frame)
    damaged.write_bytes(damaged.read_bytes()[:500])
    with pytest.raises(FleximodalError, match="not a readable Parquet file"):
        evaluated(damaged, cell)
    with pytest.raises(FleximodalError, match="not a readable Parquet file"):
        evaluated(tmp_path / "absent.parquet", cell)
