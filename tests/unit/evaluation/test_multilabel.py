"""Cells with several labels: macro means, labels with one class, files that do not fit."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)

from fleximodal.errors import FleximodalError
from fleximodal.evaluation.evaluate import evaluate_cell
from fleximodal.evaluation.names import METRICS

NAMES = ["sepsis", "shock", "rare", "stroke"]
RARE = NAMES.index("rare")


def predictions(stays: int = 150, seeds: tuple[int, ...] = (5, 6)) -> pl.DataFrame:
    random = np.random.default_rng(0)
    labels = (random.random((2 * stays, 4)) < [0.4, 0.2, 0.0, 0.1]).astype(np.int8)
    frames = []
    for seed in seeds:
        noise = np.random.default_rng(seed).normal(size=labels.shape)
        scores = 1 / (1 + np.exp(1.5 - 1.5 * labels - noise))
        rows = np.arange(2 * stays)
        frames.append(
            pl.DataFrame(
                {
                    "split": "official",
                    "seed": pl.Series([seed] * len(rows), dtype=pl.Int32),
                    "part": np.where(rows < stays, "val", "test"),
                    "stay_id": rows + 700_000,
                    "patient_id": rows // 2 + 300_000,
                    "label": pl.Series(labels).cast(pl.List(pl.Int8)),
                    "score": pl.Series(scores).cast(pl.List(pl.Float64)),
                }
            )
        )
    return pl.concat(frames)


def matrix(rows: pl.DataFrame, column: str) -> np.ndarray:
    return np.array(rows[column].to_list())


def evaluated(folder: Path, frame: pl.DataFrame, cell: dict[str, str], **names: object) -> dict:
    path = folder / "predictions.parquet"
    frame.write_parquet(path, **names)
    evaluate_cell(path, folder / "out", cell=cell | {"task": "25-PHE"}, replicates=40, seed=3)
    return json.loads((folder / "out" / "metrics.json").read_text())


@pytest.fixture
def found(tmp_path: Path, cell: dict[str, str]) -> dict:
    return evaluated(tmp_path, predictions(), cell, metadata={"labels": json.dumps(NAMES)})


def test_metrics_are_macro_means_over_labels_with_both_classes(found: dict) -> None:
    frame = predictions()
    kept = [0, 1, 3]
    assert [run["seed"] for run in found["runs"]] == [5, 6]
    for run in found["runs"]:
        rows = frame.filter(seed=run["seed"])
        val, test = rows.filter(part="val"), rows.filter(part="test")
        labels, scores = matrix(test, "label")[:, kept], matrix(test, "score")[:, kept]
        flagged = scores >= 0.5
        expected = {
            "auroc": roc_auc_score(labels, scores),
            "auprc": average_precision_score(labels, scores),
            "f1": f1_score(labels, flagged, average="macro", zero_division=0),
            "brier": np.mean([brier_score_loss(labels[:, k], scores[:, k]) for k in range(3)]),
            "auroc_hard": roc_auc_score(labels, flagged),
            "accuracy": np.mean(labels == flagged),
            "macro_f1": np.mean(
                [f1_score(labels[:, k], flagged[:, k], average="macro") for k in range(3)]
            ),
        }
        assert {name: run["metrics"][name] for name in expected} == pytest.approx(expected)
        # Every label has a threshold of its own, the best in the validation part.
        val_labels, val_scores = matrix(val, "label"), matrix(val, "score")
        tuned = []
        for place, k in enumerate(kept):
            own = run["labels"][NAMES[k]]
            at = [f1_score(val_labels[:, k], val_scores[:, k] >= s) for s in val_scores[:, k]]
            assert own["threshold"] == pytest.approx(val_scores[np.argmax(at), k])
            tuned.append(f1_score(labels[:, place], scores[:, place] >= own["threshold"]))
            assert own["metrics"]["f1_tuned"] == pytest.approx(tuned[-1])
            assert own["prevalence"] == pytest.approx(labels[:, place].mean())
        assert run["metrics"]["f1_tuned"] == pytest.approx(np.mean(tuned))
        for name in ("calibration_slope", "calibration_error"):
            own = [run["labels"][NAMES[k]]["metrics"][name] for k in kept]
            assert run["metrics"][name] == pytest.approx(np.mean(own))


def test_summary_is_that_of_the_runs(found: dict) -> None:
    for name in METRICS:
        values = [run["metrics"][name] for run in found["runs"]]
        summary = found["summary"][name]
        assert summary["mean"] == pytest.approx(np.mean(values))
        assert summary["sd"] == pytest.approx(np.std(values, ddof=1))
        assert summary["low"] < summary["high"]
        assert summary["undefined_replicates"] == 0
        sepsis = found["labels"]["sepsis"]["summary"][name]
        values = [run["labels"]["sepsis"]["metrics"][name] for run in found["runs"]]
        assert sepsis["mean"] == pytest.approx(np.mean(values))
        assert sepsis["low"] < sepsis["high"]
    # A mean over labels is more certain than a single label.
    whole, one = found["summary"]["auroc"], found["labels"]["stroke"]["summary"]["auroc"]
    assert whole["high"] - whole["low"] < one["high"] - one["low"]
    tested = matrix(predictions().filter(part="test", seed=5), "label")
    assert found["prevalence"] == pytest.approx(tested.mean())


def test_a_label_with_one_class_is_left_out_and_counted(found: dict) -> None:
    assert found["undefined_labels"] == ["rare"]
    for run in found["runs"]:
        assert run["undefined_labels"] == run["untuned_labels"] == ["rare"]
        assert run["labels_left_out"] == dict.fromkeys(METRICS, 1)
        assert run["labels"]["rare"]["threshold"] == 0.5
    rare = found["labels"]["rare"]
    assert rare["undefined_runs"] == 2
    assert rare["summary"]["auroc"]["mean"] is None
    assert rare["summary"]["auroc"]["reason"] == "the test part has one class only"
    assert found["summary"]["auroc"]["undefined_label_replicates"] == 2 * 40


def test_a_draw_without_a_class_leaves_out_that_label_alone(
    tmp_path: Path, cell: dict[str, str]
) -> None:
    frame = predictions()
    labels = matrix(frame, "label")
    test = np.flatnonzero((frame["part"] == "test").to_numpy())
    labels[test[[3, 153]], RARE] = 1  # one positive stay, drawn in about 63 % of the replicates
    frame = frame.with_columns(label=pl.Series(labels).cast(pl.List(pl.Int8)))
    found = evaluated(tmp_path, frame, cell)
    assert found["undefined_labels"] == []
    assert found["summary"]["auroc"]["undefined_replicates"] == 0
    absent = found["labels"]["label3"]["summary"]["auroc"]["undefined_replicates"]
    assert 5 <= absent <= 25
    assert found["summary"]["auroc"]["undefined_label_replicates"] == 2 * absent
    # No positive in the validation part: the threshold cannot be tuned.
    assert found["runs"][0]["untuned_labels"] == ["label3"]


def test_one_label_as_lists_equals_one_label_as_numbers(
    tmp_path: Path, cell: dict[str, str]
) -> None:
    frame = predictions()
    one = frame.with_columns(pl.col("label", "score").list.slice(0, 1))
    found = evaluated(tmp_path, one, cell)
    number = frame.with_columns(pl.col("label", "score").list.get(0))
    expected = evaluated(tmp_path, number, cell)
    for name in METRICS:
        del expected["summary"][name]["undefined_replicates"]
        assert expected["summary"][name].items() <= found["summary"][name].items()
    assert (
        found["labels"]["label1"]["summary"]["auroc"].items()
        >= expected["summary"]["auroc"].items()
    )
    assert "labels" not in expected and "undefined_labels" not in expected


def test_no_label_with_both_classes_is_refused(tmp_path: Path, cell: dict[str, str]) -> None:
    frame = predictions().with_columns(pl.col("label").list.eval(pl.element() * 0))
    with pytest.raises(FleximodalError, match="the val part has no label with both classes"):
        evaluated(tmp_path, frame, cell)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("score", [0.1, 0.2, 0.3], "'score' has another number of entries than the first 'label'"),
        ("label", [0, 1, 0, 1, 1], "'label' has another number of entries than the first 'label'"),
        ("label", None, "'label' is missing"),
        ("score", [0.1, None, 0.1, 0.1], "'score' is missing"),
        ("score", [0.1, float("nan"), 0.1, 0.1], "'score' is not a finite number"),
        ("score", [0.1, 0.2, 1.1, 0.1], "'score' is not a probability"),
        ("label", [0, 1, 2, 1], "'label' is neither 0 nor 1"),
    ],
)
def test_faulty_lists_are_named(
    tmp_path: Path, cell: dict[str, str], column: str, value: list | None, message: str
) -> None:
    frame = predictions()
    values = frame[column].to_list()
    values[7] = value
    frame = frame.with_columns(pl.Series(column, values, dtype=frame.schema[column]))
    with pytest.raises(FleximodalError, match=f"predictions.parquet: row 8: {message}"):
        evaluated(tmp_path, frame, cell)


def test_columns_that_do_not_fit_are_refused(tmp_path: Path, cell: dict[str, str]) -> None:
    frame = predictions()
    with pytest.raises(FleximodalError, match="'label' holds lists but 'score' does not"):
        evaluated(tmp_path, frame.with_columns(pl.col("score").list.get(0)), cell)
    with pytest.raises(FleximodalError, match="names 1 labels but holds 4"):
        evaluated(tmp_path, frame, cell, metadata={"labels": '["death"]'})
    with pytest.raises(FleximodalError, match=r"column 'label' is of type List\(String\)"):
        evaluated(tmp_path, frame.cast({"label": pl.List(pl.String)}), cell)


def test_curves_have_the_shape_of_those_of_one_label(tmp_path: Path, found: dict) -> None:
    curves = json.loads((tmp_path / "out" / "curves.json").read_text())
    area = np.trapezoid(curves["roc"]["true_positive_rate"], curves["roc"]["false_positive_rate"])
    assert area == pytest.approx(found["summary"]["auroc"]["mean"], abs=0.02)
    assert sum(curves["reliability"]["n"]) == 2 * 150 * 4
