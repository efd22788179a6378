"""A whole cell: what it writes, that it repeats itself, and that it goes on."""

import json
import logging
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from fleximodal.dataset.packed import PackedDataset
from fleximodal.errors import FleximodalError
from fleximodal.methods import registry
from fleximodal.methods.registry import Method
from fleximodal.methods.settings import HAIMSettings
from fleximodal.training.cell import train_cell
from fleximodal.training.member import Fitted, Member
from fleximodal.training.network import fit_network
from tests.unit.training.toy import ToySettings, cohort, describe, write_inputs

SAME = ("predictions.parquet", "history.csv", "routing.csv", "run.json")
SPLITS = ("seed0", "seed1")


class FailingSettings(ToySettings):
    trainer: ClassVar[str] = "tests.unit.training.test_cell:fit_failing"


class Failing:
    """How many runs end well before one is interrupted, and which were begun."""

    allowed = 99
    begun: ClassVar[list[tuple[str, int]]] = []


def fit_failing(member: Member, *args: Any, state: Path, log: logging.Logger) -> Fitted:
    Failing.begun.append((member.split, member.seed))
    if len(Failing.begun) > Failing.allowed:
        raise KeyboardInterrupt
    return fit_network(member, *args, state=state, log=log)


class LostSettings(ToySettings):
    trainer: ClassVar[str] = "tests.no_such_module:fit"


@pytest.fixture(autouse=True)
def methods(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        name: Method(name, settings, "")
        for name, settings in {
            "Toy": ToySettings(),
            "Failing": FailingSettings(),
            "Lost": LostSettings(),
            "HAIM": HAIMSettings(),
        }.items()
    }
    monkeypatch.setattr(registry, "known_methods", lambda: known)
    monkeypatch.setattr(Failing, "allowed", 99)
    monkeypatch.setattr(Failing, "begun", [])


@pytest.fixture(scope="module")
def dataset() -> PackedDataset:
    return cohort()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, dataset: PackedDataset) -> dict[str, Path]:
    return write_inputs(tmp_path_factory.mktemp("inputs"), dataset, SPLITS)


def train(
    folder: Path, inputs: dict[str, Path], description: dict[str, Any], code: str = ""
) -> Path:
    output = folder / "runs" / "cell"
    train_cell(description, **inputs, output=output, state=folder / "state", threads=1, code=code)
    return output


def test_what_a_cell_writes(
    tmp_path: Path, inputs: dict[str, Path], dataset: PackedDataset
) -> None:
    description = describe("Toy", {})
    output = train(tmp_path, inputs, description)
    assert not (tmp_path / "state").exists()

    predictions = pl.read_parquet(output / "predictions.parquet")
    assert predictions.schema == {
        "split": pl.String,
        "seed": pl.Int32,
        "part": pl.String,
        "stay_id": pl.Int64,
        "patient_id": pl.Int64,
        "label": pl.Int8,
        "score": pl.Float64,
    }
    assert predictions.equals(predictions.sort("split", "seed", "part", "stay_id"))
    splits = pl.read_parquet(inputs["splits"]).filter(pl.col("part") != "train")
    for split in SPLITS:
        for seed in (32, 42):
            run = predictions.filter(split=split, seed=seed).select("part", "stay_id")
            assert run.equals(
                splits.filter(split=split).select("part", "stay_id").sort("part", "stay_id")
            )
    position = dataset.index_of(predictions["stay_id"].to_numpy())
    np.testing.assert_array_equal(predictions["label"], dataset.label[position])
    np.testing.assert_array_equal(predictions["patient_id"], dataset.patient_id[position])

    history = pl.read_csv(output / "history.csv")
    assert history.columns[:4] == ["split", "seed", "epoch", "train_loss"]
    assert {"val_loss", "val_auroc", "val_auprc", "val_f1", "selected"} < set(history.columns)
    assert history.height == 2 * 2 * 3
    assert history["selected"].sum() == 4

    routing = pl.read_csv(output / "routing.csv")
    assert routing.columns == ["split", "seed", "layer", "router", "expert", "mean_gate"]
    assert routing.height == 2 * 2 * 2

    run = json.loads((output / "run.json").read_text())
    assert {key: run[key] for key in description} == description
    assert [(entry["split"], entry["seed"]) for entry in run["runs"]] == [
        ("seed0", 32), ("seed0", 42), ("seed1", 32), ("seed1", 42),
    ]  # fmt: skip
    assert run["runs"][0]["chosen"]["epoch"] in (1, 2, 3)

    cost = json.loads((output / "cost.json").read_text())
    assert cost["device"] == "cpu"
    assert cost["threads"] == 1
    assert cost["wall_seconds"] == pytest.approx(sum(run["wall_seconds"] for run in cost["runs"]))
    assert cost["parameters"] == cost["runs"][0]["parameters"] > 50
    for key in ("seconds_per_epoch", "training_samples_per_second", "peak_memory_mb"):
        assert cost[key] > 0

    names = sorted(path.name for path in (output / "checkpoints").iterdir())
    assert names == [f"{split}-{seed}.safetensors" for split in SPLITS for seed in (32, 42)]
    assert load_file(output / "checkpoints" / names[0])["hidden.weight"].shape == (8, 8)
    assert json.loads((output / "manifest.json").read_text())["rule"] == "train_cell"


@pytest.mark.parametrize("method", ["Toy", "HAIM"])
def test_equal_cells_give_equal_bytes(tmp_path: Path, inputs: dict[str, Path], method: str) -> None:
    settings = {"HAIM": {"grid": "small", "folds": 2}}.get(method, {})
    outputs = [
        train(tmp_path / name, inputs, describe(method, settings)) for name in ("one", "other")
    ]
    for name in SAME:
        assert (outputs[0] / name).read_bytes() == (outputs[1] / name).read_bytes(), name


def test_an_unseeded_method_runs_once_per_split(tmp_path: Path, inputs: dict[str, Path]) -> None:
    output = train(tmp_path, inputs, describe("HAIM", {"grid": "off"}))
    predictions = pl.read_parquet(output / "predictions.parquet")
    assert predictions.select("split", "seed").unique().sort("split").rows() == [
        ("seed0", 32),
        ("seed1", 32),
    ]
    assert pl.read_csv(output / "routing.csv").is_empty()
    history = pl.read_csv(output / "history.csv")
    assert history["n_estimators"].to_list() == [100, 100]


def test_an_interrupted_cell_goes_on(tmp_path: Path, inputs: dict[str, Path]) -> None:
    description = describe("Failing", {})
    whole = train(tmp_path / "whole", inputs, description)
    Failing.begun.clear()
    Failing.allowed = 2
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", inputs, description)
    assert not (tmp_path / "cut" / "runs").exists()
    Failing.begun.clear()
    output = train(tmp_path / "cut", inputs, description)
    assert Failing.begun == [("seed1", 32), ("seed1", 42)]
    for name in SAME:
        assert (whole / name).read_bytes() == (output / name).read_bytes(), name


def test_finished_runs_of_other_data_settings_or_code_are_not_taken_up(
    tmp_path: Path, inputs: dict[str, Path], dataset: PackedDataset
) -> None:
    changed = write_inputs(tmp_path / "changed", cohort(seed=5), SPLITS)
    others = {
        "settings": (inputs, describe("Failing", {"noise": 0.3}), ""),
        "data": (changed, describe("Failing", {}), ""),
        "code": (inputs, describe("Failing", {}), "before an edit"),
    }
    for name, (files, description, code) in others.items():
        Failing.begun.clear()
        Failing.allowed = 2
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / name, files, description, code)
        Failing.begun.clear()
        Failing.allowed = 99
        train(tmp_path / name, inputs, describe("Failing", {}))
        assert len(Failing.begun) == 4, name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "Lost"}, "trainer of method 'Lost': module 'tests.no_such_module' cannot be"),
        ({"method": "Unknown"}, "unknown method 'Unknown'"),
        ({"modalities": "vitals+notes"}, "no modality notes"),
        ({"splits": ["seed9"]}, "split 'seed9' is not in both"),
    ],
)
def test_what_cannot_be_found_is_named(
    tmp_path: Path, inputs: dict[str, Path], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(FleximodalError, match=message):
        train(tmp_path, inputs, describe("Toy", {}) | changes)
    assert not (tmp_path / "runs").exists()


def test_a_scaler_of_other_stays_is_refused(
    tmp_path: Path, inputs: dict[str, Path], dataset: PackedDataset
) -> None:
    files = write_inputs(tmp_path / "inputs", dataset, SPLITS)
    scalers = json.loads(files["scalers"].read_text())
    scalers["seed0"], scalers["seed1"] = scalers["seed1"], scalers["seed0"]
    files["scalers"].write_text(json.dumps(scalers))
    with pytest.raises(FleximodalError, match="fitted on other stays"):
        train(tmp_path, files, describe("Toy", {}))
