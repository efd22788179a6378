"""Cells of several classes: metrics against scikit-learn, replicates by copies, faulty files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    roc_auc_score,
)
from sklearn.preprocessing import label_binarize

from fleximodal import class_ranking, ranking
from fleximodal.class_ranking import rank_classes
from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.bootstrap import bootstrap_values, draw_weights
from fleximodal.evaluation.conditions import evaluate_common_test, evaluate_conditions
from fleximodal.evaluation.evaluate import evaluate_cell
from fleximodal.evaluation.names import METRICS, PAIRED_METRICS
from fleximodal.evaluation.paired import METRICS as PAIRED
from fleximodal.evaluation.paired import METRICS_OF_CLASSES, read_tests, replicate
from fleximodal.evaluation.part import TestPart

NAMES = ["CN", "MCI", "dementia"]
CLASSES = [0, 1, 2]
TWO_ONLY = ("f1_tuned", "calibration_slope", "calibration_error", "auroc_hard")


def drawn(n: int, seed: int, fractions: tuple[float, ...] = (0.4, 0.35, 0.25)) -> tuple:
    """Return labels, all classes among them, and probabilities with many ties that sum to 1."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, size=n, p=fractions)
    labels[:3] = CLASSES
    truth = 0.3 * np.eye(3)[labels] + 0.7 * generator.dirichlet([2, 2, 2], size=n)
    return labels.astype(np.int8), generator.multinomial(20, truth) / 20


def expected(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> dict:
    """Return what scikit-learn says; weights are those of the stays."""
    told = scores.argmax(axis=1)
    columns = label_binarize(labels, classes=CLASSES)
    squares = ((scores - columns) ** 2).sum(axis=1)
    macro = f1_score(
        labels, told, labels=CLASSES, average="macro", sample_weight=weights, zero_division=0
    )
    areas = [roc_auc_score(columns[:, k], scores[:, k], sample_weight=weights) for k in CLASSES]
    return {
        "auroc": np.mean(areas),
        "auprc": average_precision_score(columns, scores, sample_weight=weights),
        "f1": macro,
        "brier": np.average(squares, weights=weights) / 2,
        "accuracy": accuracy_score(labels, told, sample_weight=weights),
        "macro_f1": macro,
    }


@pytest.mark.parametrize("seed", range(3))
def test_all_weightings_at_once_are_those_of_scikit_learn(seed: int) -> None:
    labels, scores = drawn(90, seed)
    weights = np.random.default_rng(seed).integers(0, 4, (5, 90)).astype(float)
    weights[:, :3] += 1
    found = rank_classes(labels, scores, weights)
    for row, one in enumerate(weights):
        wanted = expected(labels, scores, one)
        assert {
            name: getattr(class_ranking, "macro_f1" if name == "f1" else name)(found)[row]
            for name in wanted
        } == pytest.approx(wanted, abs=1e-12)
        of_classes = f1_score(labels, scores.argmax(axis=1), average=None, sample_weight=one)
        assert class_ranking.class_f1(found)[row] == pytest.approx(of_classes)


def test_without_weights_auroc_is_the_macro_one_vs_rest() -> None:
    labels, scores = drawn(200, 4)
    found = class_ranking.auroc(rank_classes(labels, scores))
    assert found == pytest.approx(roc_auc_score(labels, scores, multi_class="ovr"), abs=1e-12)


def test_a_constant_predictor_of_the_majority() -> None:
    """157 of 357 stays: accuracy 43.98 %, macro F1 (2 p / (1 + p)) / 3 = 20.36 %."""
    labels = np.repeat([0, 1, 2], [110, 157, 90])
    found = rank_classes(labels, np.tile([0.3, 0.4, 0.3], (357, 1)))
    assert round(100 * class_ranking.accuracy(found)[0], 2) == 43.98
    assert round(100 * class_ranking.macro_f1(found)[0], 2) == 20.36
    assert class_ranking.auroc(found)[0] == 0.5


def test_a_class_that_never_occurs_has_an_f1_of_zero_and_no_auroc() -> None:
    labels = np.array([0, 0, 2, 2])
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.1, 0.2, 0.7], [0.3, 0.1, 0.6]])
    found = rank_classes(labels, scores)
    # Class 0: one hit, one miss. Class 2: two hits, one false alarm.
    assert class_ranking.class_f1(found)[0] == pytest.approx([2 / 3, 0, 4 / 5])
    assert class_ranking.macro_f1(found)[0] == pytest.approx((2 / 3 + 4 / 5) / 3)
    assert np.isnan(class_ranking.class_auroc(found)[0]).tolist() == [False, True, False]
    areas = [roc_auc_score(labels == k, scores[:, k]) for k in (0, 2)]
    assert class_ranking.auroc(found)[0] == pytest.approx(np.mean(areas))


def test_two_classes_have_the_metrics_of_one_label() -> None:
    generator = np.random.default_rng(0)
    labels, score = generator.integers(0, 2, 60), generator.random(60)
    found = rank_classes(labels, np.stack([1 - score, score], axis=1))
    single = ranking.rank(labels, score)
    assert class_ranking.brier(found) == pytest.approx(ranking.brier(single))
    assert class_ranking.auroc(found) == pytest.approx(ranking.auroc(single))
    assert class_ranking.accuracy(found) == pytest.approx(ranking.accuracy(single, 0.5))
    assert class_ranking.macro_f1(found) == pytest.approx(ranking.macro_f1(single, 0.5))


def test_replicates_are_those_of_copied_stays() -> None:
    patients = np.arange(70) // 2
    runs = [TestPart(patients, *drawn(70, seed), np.nan) for seed in (1, 2)]
    found = bootstrap_values(runs, 25, seed=5)
    assert found.names == ("auroc", "auprc", "f1")
    assert found.labels.shape == (2, 25, 3, 3)
    for row, counts in enumerate(draw_weights(np.random.default_rng(5), 25, 35).astype(int)):
        copies = np.repeat(np.arange(70), counts[patients])
        for number, run in enumerate(runs):
            labels, scores = run.labels[copies], run.scores[copies]
            told = dict(zip(METRICS, found.whole[number, row], strict=True))
            wanted = expected(labels, scores)
            assert {name: told.pop(name) for name in wanted} == pytest.approx(wanted)
            assert set(told) == set(TWO_ONLY) and np.isnan(list(told.values())).all()
            areas = [roc_auc_score(labels == k, scores[:, k]) for k in CLASSES]
            assert found.labels[number, row, :, 0] == pytest.approx(areas)


def test_a_draw_without_a_class_leaves_it_out_and_is_counted() -> None:
    labels, scores = drawn(60, 3)
    labels[labels == 2] = 1
    labels[7] = 2  # one stay of the class, drawn in about 63 % of the replicates
    run = TestPart(np.arange(60), labels, scores, np.nan)
    found = bootstrap_values([run], 60, seed=0)
    weights = draw_weights(np.random.default_rng(0), 60, 60)
    absent = weights[:, 7] == 0
    assert 10 < absent.sum() < 40
    assert (np.isnan(found.labels[0, :, 2, 0]) == absent).all()
    assert np.isfinite(found.labels[0, :, :2]).all()
    areas = np.nanmean(found.labels[0, :, :, 0], axis=1)
    assert found.whole[0, :, METRICS.index("auroc")] == pytest.approx(areas)
    # F1 counts every class in every replicate.
    f1 = found.labels[0, :, :, 2]
    assert found.whole[0, :, METRICS.index("macro_f1")] == pytest.approx(f1.mean(axis=1))


def predictions(stays: int = 150, seeds: tuple[int, ...] = (5, 6)) -> pl.DataFrame:
    frames = []
    labels, _ = drawn(2 * stays, 0)
    for seed in seeds:
        noise = np.random.default_rng(seed).dirichlet([2, 2, 2], size=2 * stays)
        rows = np.arange(2 * stays)
        frames.append(
            pl.DataFrame(
                {
                    "split": "complete0",
                    "seed": pl.Series([seed] * len(rows), dtype=pl.Int32),
                    "part": np.where(rows < stays, "val", "test"),
                    "stay_id": rows + 700,
                    "patient_id": rows + 700,
                    "label": pl.Series(labels, dtype=pl.Int8),
                    "score": pl.Series(0.3 * np.eye(3)[labels] + 0.7 * noise).cast(
                        pl.List(pl.Float64)
                    ),
                }
            )
        )
    return pl.concat(frames)


def stored(folder: Path, frame: pl.DataFrame, names: list[str] = NAMES) -> Path:
    path = folder / "predictions.parquet"
    frame.write_parquet(path, metadata={"labels": json.dumps(names)})
    return path


def evaluated(folder: Path, frame: pl.DataFrame, cell: dict[str, str]) -> dict[str, Any]:
    path = stored(folder, frame)
    evaluate_cell(path, folder / "out", cell=cell, replicates=40, seed=3)
    found: dict[str, Any] = json.loads((folder / "out" / "metrics.json").read_text())
    return found


@pytest.fixture
def cell(cell: dict[str, str]) -> dict[str, str]:
    return cell | {"source": "synthetic-adni", "task": "diagnosis", "protocol": "complete-test"}


def test_metrics_of_a_cell(tmp_path: Path, cell: dict[str, str]) -> None:
    frame = predictions()
    found = evaluated(tmp_path, frame, cell)
    assert (found["data"], found["prevalence"], found["n_runs"]) == ("synthetic", None, 2)
    for run in found["runs"]:
        test = frame.filter(seed=run["seed"], part="test")
        labels, scores = test["label"].to_numpy(), np.array(test["score"].to_list())
        wanted = expected(labels, scores)
        assert {name: run["metrics"][name] for name in wanted} == pytest.approx(wanted)
        assert run["undefined"] == dict.fromkeys(TWO_ONLY, "defined for two classes")
        assert (run["threshold"], run["prevalence"], run["undefined_labels"]) == (None, None, [])
        for k, name in enumerate(NAMES):
            own = run["labels"][name]
            assert own["prevalence"] == pytest.approx((labels == k).mean())
            told = scores.argmax(axis=1)
            assert own["metrics"] == pytest.approx(
                {
                    "auroc": roc_auc_score(labels == k, scores[:, k]),
                    "auprc": average_precision_score(labels == k, scores[:, k]),
                    "f1": f1_score(labels == k, told == k),
                }
            )
    for name in METRICS:
        summary = found["summary"][name]
        if name in TWO_ONLY:
            assert [summary[end] for end in ("mean", "sd", "low", "high")] == [None] * 4
            assert summary["reason"] == "defined for two classes"
            continue
        values = [run["metrics"][name] for run in found["runs"]]
        assert summary["mean"] == pytest.approx(np.mean(values))
        assert summary["sd"] == pytest.approx(np.std(values, ddof=1))
        assert summary["low"] < summary["mean"] < summary["high"]
    assert list(found["labels"]) == NAMES
    assert set(found["labels"]["MCI"]["summary"]) == {"auroc", "auprc", "f1"}


def test_a_class_absent_from_the_test_part_is_named(tmp_path: Path, cell: dict[str, str]) -> None:
    gone = pl.when(part="test").then(pl.col("label").clip(0, 1)).otherwise(pl.col("label"))
    found = evaluated(tmp_path, predictions().with_columns(label=gone), cell)
    assert found["undefined_labels"] == ["dementia"]
    run = found["runs"][0]
    assert run["labels_left_out"] == {"auroc": 1, "auprc": 1}
    rest = [run["labels"][name]["metrics"]["auroc"] for name in NAMES[:2]]
    assert run["metrics"]["auroc"] == pytest.approx(np.mean(rest))
    assert found["labels"]["dementia"]["summary"]["auroc"]["mean"] is None
    assert "no stay" in found["labels"]["dementia"]["summary"]["auroc"]["reason"]
    assert found["summary"]["auroc"]["undefined_label_replicates"] == 2 * 40


def test_curves_are_means_over_classes(tmp_path: Path, cell: dict[str, str]) -> None:
    found = evaluated(tmp_path, predictions(), cell)
    curves = json.loads((tmp_path / "out" / "curves.json").read_text())
    area = np.trapezoid(curves["roc"]["true_positive_rate"], curves["roc"]["false_positive_rate"])
    assert area == pytest.approx(found["summary"]["auroc"]["mean"], abs=0.02)
    # Where every stay is found, the precision of a class is its prevalence: a third on average.
    assert curves["precision_recall"]["precision"][100] >= 1 / 3
    assert sum(curves["reliability"]["n"]) == 2 * 150 * 3
    assert np.average(
        curves["reliability"]["observed_fraction"], weights=curves["reliability"]["n"]
    ) == pytest.approx(1 / 3)


def test_one_class_alone_is_refused(tmp_path: Path, cell: dict[str, str]) -> None:
    frame = predictions().with_columns(label=pl.lit(2, pl.Int8))
    with pytest.raises(FleximodalError, match="the val part has only label 2"):
        evaluated(tmp_path, frame, cell)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label", 3, "'label' is none of the classes 0 to 2"),
        ("label", -1, "'label' is none of the classes 0 to 2"),
        ("label", None, "'label' is missing"),
        ("score", None, "'score' is missing"),
        ("score", [0.5, 0.5], "'score' has another number of entries than the first 'score'"),
        ("score", [0.5, 0.5, None], "'score' is missing"),
        ("score", [0.5, 0.5, float("nan")], "'score' is not a finite number"),
        ("score", [0.6, 0.6, -0.2], "'score' is not a probability"),
        ("score", [0.3, 0.3, 0.4001], "'score' does not sum to 1"),
    ],
)
def test_faulty_values_are_named(
    tmp_path: Path, cell: dict[str, str], column: str, value: Any, message: str
) -> None:
    frame = predictions()
    values = frame[column].to_list()
    values[7] = value
    frame = frame.with_columns(pl.Series(column, values, dtype=frame.schema[column]))
    with pytest.raises(FleximodalError, match=f"predictions.parquet: row 8: {message}"):
        evaluated(tmp_path, frame, cell)


def test_files_that_do_not_fit_are_refused(tmp_path: Path, cell: dict[str, str]) -> None:
    frame = predictions()
    with pytest.raises(FleximodalError, match="'label' is of type Float64 where 'score' holds"):
        evaluated(tmp_path, frame.cast({"label": pl.Float64}), cell)
    two = frame.with_columns(score=pl.lit([0.5, 0.5]))
    with pytest.raises(FleximodalError, match="holds 2 probabilities where several classes have"):
        evaluated(tmp_path, two, cell)
    path = stored(tmp_path, frame, ["CN", "MCI"])
    with pytest.raises(FleximodalError, match="names 2 labels but holds 3"):
        evaluate_cell(path, tmp_path / "out", cell=cell, replicates=4, seed=0)


def test_probabilities_of_single_precision_are_accepted(
    tmp_path: Path, cell: dict[str, str]
) -> None:
    frame = predictions()
    single = frame.cast({"score": pl.List(pl.Float32)})
    found = evaluated(tmp_path, single, cell)
    exact = evaluated(tmp_path, frame, cell)
    assert found["summary"]["accuracy"] == exact["summary"]["accuracy"]


def test_cells_are_compared_in_metrics_of_classes(tmp_path: Path) -> None:
    assert tuple(PAIRED) == tuple(METRICS_OF_CLASSES) == PAIRED_METRICS
    frame = predictions()
    part = read_tests(stored(tmp_path, frame))
    found = replicate({"a": part}, PAIRED_METRICS, replicates=15, seed=2)
    weights = draw_weights(np.random.default_rng(2), 15, 150).astype(int)
    for row, counts in enumerate(weights):
        copies = np.repeat(np.arange(150), counts)
        runs = [expected(run.labels[copies], run.scores[copies]) for run in part.values()]
        for metric in PAIRED_METRICS:
            mean = np.mean([run[metric] for run in runs])
            assert found[metric]["a"].replicates[row] == pytest.approx(mean)


def test_conditions_and_common_stays(tmp_path: Path, cell: dict[str, str]) -> None:
    test = predictions().filter(part="test")
    less = test.with_columns(score=pl.lit([1 / 3, 1 / 3, 1 / 3]))
    facts = {"kind": "subset", "subset": "labs", "percent": 0}
    both = [
        test.with_columns(condition=pl.lit("intact"), **{n: pl.lit(v) for n, v in facts.items()}),
        less.with_columns(condition=pl.lit("only"), **{n: pl.lit(v) for n, v in facts.items()}),
    ]
    path = stored(tmp_path, pl.concat(both))
    output = tmp_path / "out.json"
    evaluate_conditions([(Cell(**cell), path)], output, replicates=20, seed=0)
    (found,) = json.loads(output.read_text())["cells"]
    assert found["prevalence"] is None
    intact, only = found["conditions"]
    assert only["metrics"]["auroc"]["mean"] == 0.5
    labels = test.filter(seed=5)["label"].to_numpy()
    assert only["metrics"]["accuracy"]["mean"] == pytest.approx((labels == 0).mean())
    accuracy = intact["metrics"]["accuracy"]["mean"]
    assert only["loss"]["accuracy"]["mean"] == pytest.approx(accuracy - (labels == 0).mean())
    path = stored(tmp_path, predictions())
    cells = [(Cell(**cell), path), (Cell(**cell | {"method": "HAIM"}), path)]
    evaluate_common_test(cells, output, replicates=20, seed=0)
    first, second = json.loads(output.read_text())["cells"]
    assert first["metrics"] == second["metrics"]
    assert first["runs"][0]["macro_f1"] == pytest.approx(
        expected(labels, np.array(test.filter(seed=5)["score"].to_list()))["macro_f1"]
    )
