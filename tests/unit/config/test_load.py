"""The configuration: what is refused, and in which words."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from fleximodal.cohorts.patients import split_patients
from fleximodal.cohorts.protocols import make_splits
from fleximodal.config.cell import Cell, cell_of
from fleximodal.config.cells import describe, protocol_settings, split_names
from fleximodal.config.document import document
from fleximodal.config.load import load_config, method_settings
from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.synthetic_adni.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
MINIMAL: dict[str, Any] = {"tables": ["hospital"]}


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"trainig": {}}, "unknown key 'trainig'; did you mean 'training'?"),
        ({"training": {"epoch": 3}}, "unknown key 'training.epoch'; did you mean 'epochs'?"),
        ({"training": {"epochs": "many"}}, "key 'training.epochs'"),
        ({"training": {"epochs": 0}}, "key 'training.epochs'"),
        ({"protocols": {"five-random": {"split": []}}}, "did you mean 'splits'?"),
        ({"protocols": {"patient": {"fractions": [0.5, 0.5, 0.5]}}}, "sum to 1"),
        ({"methods": {"FuseMoE-Laplce": {}}}, "did you mean 'FuseMoE-Laplace'?"),
        (
            {"methods": {"FuseMoE-Laplace": {"expert_hiden": 3}}},
            "methods.FuseMoE-Laplace: unknown key 'expert_hiden'; did you mean 'expert_hidden'?",
        ),
        ({"methods": {"Concat": {"width": 30, "heads": 4}}}, "not a multiple of heads"),
        ({"tables": None}, "key 'tables'"),
        ({"seeds": [1, 1]}, "key 'seeds': Value error, an entry occurs twice"),
        ({"seeds": [2**31]}, "key 'seeds.0'"),
    ],
)
def test_mistakes_are_named(extra: dict[str, Any], words: str) -> None:
    with pytest.raises(FleximodalError) as caught:
        load_config({**MINIMAL, **extra})
    message = str(caught.value)
    assert words in message
    assert "\n" not in message


def test_missing_key_is_named() -> None:
    with pytest.raises(FleximodalError, match="key 'tables' is missing"):
        load_config({})


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda f: f.stem)
def test_every_shipped_configuration_is_valid(file: Path) -> None:
    base = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    load_config({**base, **yaml.safe_load(file.read_text())})


def test_sizes_reach_the_methods_that_have_them_and_own_settings_win() -> None:
    config = load_config(
        {
            **MINIMAL,
            "network": {"width": 64, "experts": 8},
            "methods": {"FuseMoE-Laplace": {"experts": 12}},
        }
    )
    laplace = method_settings(config, "FuseMoE-Laplace").model_dump()
    gaussian = method_settings(config, "FuseMoE-Gaussian").model_dump()
    concat = method_settings(config, "Concat").model_dump()
    assert (laplace["width"], laplace["experts"], laplace["gate"]) == (64, 12, "laplace")
    assert (gaussian["width"], gaussian["experts"], gaussian["gate"]) == (64, 8, "gaussian")
    assert concat["width"] == 64
    assert "experts" not in concat


def test_description_changes_only_for_the_method_that_was_changed() -> None:
    place = ("synthetic-physionet2012", "48-IHM", "official", "all", "a+b")
    cells = [Cell(*place, method, "paper") for method in ("HAIM", "Concat")]
    before = load_config(MINIMAL)
    after = load_config({**MINIMAL, "methods": {"Concat": {"dropout": 0.3}}})
    assert describe(before, cells[0]) == describe(after, cells[0])
    assert describe(before, cells[1]) != describe(after, cells[1])


def test_cell_is_found_again_from_its_path() -> None:
    place = ("synthetic-physionet2012", "48-IHM", "official", "all", "vitals+labs")
    cell = Cell(*place, "HAIM", "paper+K-3")
    names = ["source", "task", "protocol", "cases", "modalities", "method", "variant"]
    assert cell_of(dict(zip(names, cell.path.split("/"), strict=True))) == cell


def test_five_random_runs_the_splits_asked_for() -> None:
    config = load_config(
        {**MINIMAL, "seeds": [1], "protocols": {"five-random": {"splits": ["split2"]}}}
    )
    cell = Cell("physionet2012", "48-IHM", "five-random", "all", "vitals", "Concat", "paper")
    description = describe(config, cell)
    assert (description["splits"], description["seeds"]) == (["split2"], [1])
    assert protocol_settings(config, "five-random") == {
        "kind": "five-random",
        "splits": ["split2"],
    }


@pytest.mark.parametrize("protocol", ["stay", "patient"])
def test_splits_have_the_names_that_the_cohort_gives_them(protocol: str) -> None:
    config = load_config({**MINIMAL, "protocols": {protocol: {"seed": 5, "count": 2}}})
    settings = protocol_settings(config, protocol)
    cohort = pl.DataFrame(
        {"stay_id": range(20), "patient_id": range(20), "set": ["a"] * 20, "label": [0, 1] * 10}
    )
    patients = split_patients(
        cohort["patient_id"], settings["fractions"], settings["seed"], settings["count"]
    )
    made = make_splits(cohort, settings, patients=patients)
    assert split_names(config, protocol) == sorted(made["split"].unique())


def test_complete_test_has_one_split_and_settings_of_its_own() -> None:
    config = load_config({**MINIMAL, "protocols": {"complete-test": {"seed": 4}}})
    assert split_names(config, "complete-test") == ["complete4"]
    settings = protocol_settings(config, "complete-test")
    assert settings == {
        "kind": "complete-test",
        "fractions": [0.7, 0.15, 0.15],
        "seed": 4,
        "labels": "stratified",
    }
    cohort = pl.DataFrame(
        {"stay_id": range(20), "label": [0, 1] * 10, "has_a": True, "has_b": [True] * 20}
    )
    assert make_splits(cohort, settings)["split"].unique().to_list() == ["complete4"]
    with pytest.raises(FleximodalError, match="fractions.*must be positive and sum to 1"):
        load_config({**MINIMAL, "protocols": {"complete-test": {"fractions": [0.5, 0.1, 0.1]}}})


BY_TASK = {
    "network": {"width": 32, "layers": 2},
    "training": {"epochs": 3},
    "by_task": {
        "diagnosis": {
            "training": {"epochs": 50, "select_metric": "accuracy", "class_weights": [1, 2, 1]},
            "network": {"width": 128, "grid_steps": 16},
        }
    },
}


def test_values_of_a_task_are_laid_over_the_sections() -> None:
    config = load_config({**MINIMAL, **BY_TASK})
    cells = {
        task: describe(config, Cell(source, task, "stay", "all", "a", "Concat", "paper"))
        for source, task in (("synthetic-adni", "diagnosis"), ("synthetic-mimic4", "LOS"))
    }
    own, other = cells["diagnosis"], cells["LOS"]
    assert {name: own["training"][name] for name in ("epochs", "select_metric")} == {
        "epochs": 50,
        "select_metric": "accuracy",
    }
    assert own["training"]["class_weights"] == [1, 2, 1]
    assert (other["training"]["epochs"], other["training"]["class_weights"]) == (3, None)
    sizes = ("width", "layers", "grid_steps")
    assert [own["settings"][name] for name in sizes] == [128, 2, 16]
    assert [other["settings"][name] for name in sizes] == [32, 2, 48]
    assert own["training"]["batch_size"] == config.training.batch_size
    assert method_settings(config, "Concat") == method_settings(config, "Concat", task="LOS")


def test_own_settings_of_a_method_win_over_those_of_a_task() -> None:
    config = load_config({**MINIMAL, **BY_TASK, "methods": {"Concat": {"width": 64}}})
    assert method_settings(config, "Concat", task="diagnosis").model_dump()["width"] == 64


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"diagnoses": {}}, "by_task: unknown task 'diagnoses'; did you mean 'diagnosis'"),
        ({"diagnosis": {"trainings": {}}}, "unknown key 'by_task.diagnosis.trainings'"),
        (
            {"diagnosis": {"training": {"epoch": 3}}},
            "by_task.diagnosis.training: unknown key 'epoch'; did you mean 'epochs'",
        ),
        (
            {"diagnosis": {"network": {"width": 0}}},
            "by_task.diagnosis.network: key 'width': Input should be greater",
        ),
        (
            {"diagnosis": {"training": {"class_weights": [1, 0]}}},
            "by_task.diagnosis.training: key 'class_weights.1'",
        ),
    ],
)
def test_faulty_values_of_a_task_are_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(FleximodalError) as caught:
        load_config({**MINIMAL, "by_task": values})
    assert words in str(caught.value)


def test_generated_study_has_the_settings_of_its_generator() -> None:
    generated = load_config(MINIMAL).sources.synthetic.adni
    assert Settings.of(generated.model_dump(mode="json")) == Settings(seed=7)
    assert (
        load_config(MINIMAL).sources.adni.model_dump(exclude={"folder"})
        == Preparation().model_dump()
    )
    with pytest.raises(FleximodalError, match="sources.adni.sentinel.*did you mean 'sentinels'"):
        load_config({**MINIMAL, "sources": {"adni": {"sentinel": "values"}}})


def test_trees_do_not_depend_on_epochs_and_further_seeds() -> None:
    cell = Cell("synthetic-physionet2012", "48-IHM", "official", "all", "vitals", "HAIM", "paper")
    other = {"training": {"epochs": 3}, "seeds": [32, 33]}
    assert describe(load_config(MINIMAL), cell) == describe(load_config({**MINIMAL, **other}), cell)


def test_page_of_keys_is_in_step_with_the_schema() -> None:
    assert (ROOT / "config" / "README.md").read_text() == document(), (
        "run: python -m fleximodal.config.document config/README.md"
    )
