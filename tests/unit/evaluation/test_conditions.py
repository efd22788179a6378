"""Metrics under conditions and on common stays, against scikit-learn and by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from fleximodal.config.cell import Cell
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.conditions import evaluate_common_test, evaluate_conditions

SETTINGS = {"replicates": 60, "seed": 3}


def under_conditions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the test rows intact, and with scores mixed with chance."""
    test = frame[frame["part"] == "test"]
    chance = np.random.default_rng(8).random(len(test))
    less = test.assign(score=0.5 * test["score"] + 0.5 * chance)
    return pd.concat(
        [
            test.assign(condition="intact", kind="intact", subset="vitals+labs", percent=0),
            less.assign(condition="only:labs", kind="subset", subset="labs", percent=0),
        ]
    )


def as_lists(frame: pd.DataFrame, labels: int) -> pd.DataFrame:
    """Return predictions of several labels: the first as it is, the others reversed."""
    signs = [1 if k == 0 else -1 for k in range(labels)]

    def lists(value: float) -> list[float]:
        return [value if sign > 0 else 1 - value for sign in signs]

    return frame.assign(
        label=[[int(v) for v in lists(value)] for value in frame["label"]],
        score=[lists(value) for value in frame["score"]],
    )


def evaluated(frame: pd.DataFrame, folder: Path, cell: dict[str, str]) -> dict[str, Any]:
    frame.to_parquet(folder / "predictions.parquet", index=False)
    output = folder / "conditions.json"
    evaluate_conditions([(Cell(**cell), folder / "predictions.parquet")], output, **SETTINGS)
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def test_metrics_and_losses(
    tmp_path: Path, cell: dict[str, str], make_predictions: Callable[..., pd.DataFrame]
) -> None:
    frame = under_conditions(make_predictions())
    (found,) = evaluated(frame, tmp_path, cell)["cells"]
    assert (found["n_runs"], found["n_stays"], found["data"]) == (2, 120, "synthetic")
    means = {}
    for entry in found["conditions"]:
        rows = frame[frame["condition"] == entry["condition"]]
        runs = [run for _, run in rows.groupby(["split", "seed"])]
        aurocs = [roc_auc_score(run["label"], run["score"]) for run in runs]
        f1s = [f1_score(run["label"], run["score"] >= 0.5) for run in runs]
        metrics = entry["metrics"]
        means[entry["condition"]] = np.mean(aurocs)
        assert metrics["auroc"]["mean"] == pytest.approx(np.mean(aurocs))
        assert metrics["auroc"]["sd"] == pytest.approx(np.std(aurocs, ddof=1))
        assert metrics["f1"]["mean"] == pytest.approx(np.mean(f1s))
        assert metrics["auroc"]["low"] < metrics["auroc"]["mean"] < metrics["auroc"]["high"]
    intact, less = (entry["loss"]["auroc"] for entry in found["conditions"])
    assert intact == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert less["mean"] == pytest.approx(means["intact"] - means["only:labs"])
    # The draws are shared, so that the interval of the difference is narrower than either's.
    auroc = found["conditions"][1]["metrics"]["auroc"]
    assert less["high"] - less["low"] < auroc["high"] - auroc["low"]
    assert [entry["subset"] for entry in found["conditions"]] == ["vitals+labs", "labs"]


def test_several_labels_give_macro_means(
    tmp_path: Path, cell: dict[str, str], make_predictions: Callable[..., pd.DataFrame]
) -> None:
    frame = under_conditions(make_predictions())
    (single,) = evaluated(frame, tmp_path, cell)["cells"]
    (several,) = evaluated(as_lists(frame, 3), tmp_path, cell)["cells"]
    # Reversing labels and scores together leaves an AUROC as it is.
    for one, many in zip(single["conditions"], several["conditions"], strict=True):
        assert many["metrics"]["auroc"]["mean"] == pytest.approx(one["metrics"]["auroc"]["mean"])


def test_intact_must_be_there(
    tmp_path: Path, cell: dict[str, str], make_predictions: Callable[..., pd.DataFrame]
) -> None:
    frame = under_conditions(make_predictions())
    with pytest.raises(FleximodalError, match="has no condition 'intact'"):
        evaluated(frame[frame["condition"] != "intact"], tmp_path, cell)


def test_common_stays(
    tmp_path: Path, cell: dict[str, str], make_predictions: Callable[..., pd.DataFrame]
) -> None:
    everyone = make_predictions()
    complete = everyone[everyone["stay_id"] % 3 == 0]
    files = []
    for name, frame in (("all", everyone), ("vitals+labs", complete)):
        path = tmp_path / f"{name}.parquet"
        frame.to_parquet(path, index=False)
        files.append((Cell(**{**cell, "cases": name}), path))
    output = tmp_path / "common.json"
    evaluate_common_test(files, output, **SETTINGS)
    found = json.loads(output.read_text())["cells"]
    test = complete[complete["part"] == "test"]
    for entry in found:
        assert entry["n_stays"] == test["stay_id"].nunique()
        for run in entry["runs"]:
            rows = test[(test["split"] == run["split"]) & (test["seed"] == run["seed"])]
            expected = roc_auc_score(rows["label"], rows["score"])
            assert run["auroc"] == pytest.approx(expected)
    # The same models on the same stays with the same draws.
    assert found[0]["metrics"] == found[1]["metrics"]


def test_nothing_in_common_is_said(
    tmp_path: Path, cell: dict[str, str], make_predictions: Callable[..., pd.DataFrame]
) -> None:
    frame = make_predictions()
    files = []
    for remainder in (0, 1):
        path = tmp_path / f"{remainder}.parquet"
        frame[frame["stay_id"] % 2 == remainder].to_parquet(path, index=False)
        files.append((Cell(**{**cell, "method": f"M{remainder}"}), path))
    with pytest.raises(FleximodalError, match="no test stay in common"):
        evaluate_common_test(files, tmp_path / "common.json", **SETTINGS)
