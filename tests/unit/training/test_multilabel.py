"""A cell with several labels, from the packed dataset to its metrics."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleximodal.config.cell import Cell
from fleximodal.dataset.packed import PackedDataset
from fleximodal.errors import FleximodalError
from fleximodal.evaluation.evaluate import evaluate_cell
from fleximodal.methods import registry
from fleximodal.methods.registry import Method
from fleximodal.methods.settings import HAIMSettings, MethodSettings
from fleximodal.training.cell import train_cell
from fleximodal.training.member import Member
from fleximodal.training.objective import check_classes
from tests.unit.training.toy import ToySettings, cohort, describe, member, write_inputs

NAMES = ("death", "rare", "flipped")
METHODS: dict[str, MethodSettings] = {"Toy": ToySettings(), "HAIM": HAIMSettings(grid="off")}


@pytest.fixture(autouse=True)
def methods(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: Method(name, settings, "") for name, settings in METHODS.items()}
    monkeypatch.setattr(registry, "known_methods", lambda: known)


def several() -> PackedDataset:
    """Return the toy cohort with a second label that a single training stay has."""
    dataset = cohort(signal=2.0)
    rare = np.zeros_like(dataset.label)
    rare[member(dataset).parts["train"][0]] = 1
    label = np.stack([dataset.label, rare, 1 - dataset.label], axis=1)
    return replace(dataset, label=label, labels=NAMES)


@pytest.mark.parametrize("method", METHODS)
def test_a_cell_from_dataset_to_metrics(tmp_path: Path, method: str) -> None:
    dataset = several()
    inputs = write_inputs(tmp_path, dataset, ("seed0",))
    description = describe(method, METHODS[method].model_dump(mode="json")) | {
        "splits": ["seed0"],
        "task": "25-PHE",
    }
    output = tmp_path / "runs"
    train_cell(description, **inputs, output=output, state=tmp_path / "state", threads=1)

    predictions = pl.read_parquet(output / "predictions.parquet")
    assert predictions.schema["label"] == pl.List(pl.Int8)
    assert predictions.schema["score"] == pl.List(pl.Float64)
    position = dataset.index_of(predictions["stay_id"].to_numpy())
    np.testing.assert_array_equal(np.array(predictions["label"].to_list()), dataset.label[position])
    assert predictions["score"].list.len().unique().to_list() == [3]
    run = json.loads((output / "run.json").read_text())["runs"][0]
    assert run["labels_with_one_class"] == {"train": [], "val": ["rare"], "test": ["rare"]}
    history = pl.read_csv(output / "history.csv")
    if method == "Toy":
        assert history["val_undefined_labels"].unique().to_list() == [1]

    cell = asdict(Cell("toy", "25-PHE", "seeded", "all", "vitals+labs+static", method, "paper"))
    evaluate_cell(
        output / "predictions.parquet", tmp_path / "metrics", cell=cell, replicates=20, seed=0
    )
    found = json.loads((tmp_path / "metrics" / "metrics.json").read_text())
    assert set(found["labels"]) == set(NAMES)
    assert found["undefined_labels"] == ["rare"]
    both = [found["labels"][name]["summary"]["auroc"]["mean"] for name in ("death", "flipped")]
    assert found["summary"]["auroc"]["mean"] == pytest.approx(np.mean(both))
    assert found["summary"]["auroc"]["mean"] > 0.8


def test_one_label_with_both_classes_is_enough() -> None:
    run = member(several())
    check_classes(run)
    labels = run.dataset.label.copy()
    labels[:, [0, 2]] = 1
    alone = Member(replace(run.dataset, label=labels), *_rest(run))
    with pytest.raises(FleximodalError, match="part 'val' of split 'seed0'"):
        check_classes(alone)


def _rest(run: Member) -> tuple:
    return run.split, run.seed, run.parts, run.scaler
