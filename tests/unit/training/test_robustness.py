"""Stored models score as they did, and less is given to them as told."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fleximodal.dataset.packed import PackedDataset
from fleximodal.errors import FleximodalError
from fleximodal.methods import registry
from fleximodal.methods.registry import Method
from fleximodal.methods.settings import ConcatSettings, FuseMoESettings, HAIMSettings
from fleximodal.training.cell import train_cell
from fleximodal.training.conditions import Condition, conditions_of
from fleximodal.training.robustness import predict_conditions
from fleximodal.training.stored import read_cell
from tests.unit.training.toy import ToySettings, cohort, describe, write_inputs

SMALL: dict[str, Any] = {"width": 8, "heads": 2, "layers": 1, "time_width": 4, "time_heads": 2}
METHODS = {
    "Toy": ToySettings(),
    "Concat": ConcatSettings(**SMALL, grid_steps=6),
    "FuseMoE": FuseMoESettings(**SMALL, grid_steps=6, experts=6, top_k=2, expert_hidden=4),
    "HAIM": HAIMSettings(grid="off"),
}


@pytest.fixture(autouse=True)
def methods(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: Method(name, settings, "") for name, settings in METHODS.items()}
    monkeypatch.setattr(registry, "known_methods", lambda: known)


@pytest.fixture(scope="module")
def dataset() -> PackedDataset:
    return cohort()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, dataset: PackedDataset) -> dict[str, Path]:
    return write_inputs(tmp_path_factory.mktemp("inputs"), dataset, ("seed0", "seed1"))


def trained(folder: Path, inputs: dict[str, Path], method: str) -> Path:
    output = folder / "runs"
    description = describe(method, METHODS[method].model_dump(mode="json"))
    train_cell(description, **inputs, output=output, state=folder / "state", threads=1)
    return output


@pytest.mark.parametrize("method", METHODS)
def test_intact_data_give_the_stored_scores(
    tmp_path: Path, inputs: dict[str, Path], method: str
) -> None:
    cell = trained(tmp_path, inputs, method)
    conditions = [
        Condition("intact", "vitals+labs+static", 0),
        Condition("subset", "labs", 0),
    ]
    predict_conditions(cell, tmp_path / "robust", conditions, **inputs, threads=1)
    found = pl.read_parquet(tmp_path / "robust" / "predictions.parquet")
    stored = pl.read_parquet(cell / "predictions.parquet").filter(pl.col("part") == "test")
    key = ["split", "seed", "stay_id"]
    intact = found.filter(pl.col("condition") == "intact").sort(key)
    stored = stored.sort(key)
    assert intact.select(key).equals(stored.select(key))
    np.testing.assert_array_equal(intact["score"], stored["score"])
    np.testing.assert_array_equal(intact["label"], stored["label"])
    # What carries the signal is gone, and the scores with it.
    less = found.filter(pl.col("condition") == "only:labs").sort(key)
    assert (less["score"] != stored["score"]).mean() > 0.9


def test_conditions_stand_in_the_file(tmp_path: Path, inputs: dict[str, Path]) -> None:
    cell = trained(tmp_path, inputs, "Toy")
    conditions = conditions_of("vitals+labs+static")
    predict_conditions(cell, tmp_path / "robust", conditions, **inputs, threads=1)
    found = pl.read_parquet(tmp_path / "robust" / "predictions.parquet")
    facts = found.select("condition", "kind", "subset", "percent").unique(maintain_order=True)
    assert facts["condition"].to_list() == [condition.name for condition in conditions]
    assert found["part"].unique().to_list() == ["test"]
    per_condition = found.group_by("condition").len()["len"]
    assert per_condition.n_unique() == 1
    for name in ("split", "seed"):
        assert found[name].n_unique() == 2


def test_absent_checkpoint_is_said(tmp_path: Path, inputs: dict[str, Path]) -> None:
    cell = trained(tmp_path, inputs, "Toy")
    (cell / "checkpoints" / "seed0-42.safetensors").unlink()
    stored = read_cell(cell, **inputs)
    with pytest.raises(FleximodalError, match=r"seed0-42\.safetensors is absent or damaged"):
        list(stored.runs())
