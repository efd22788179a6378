"""FuseMoE's tables 1 and 6 and Flex-MoE's 6: what is printed, and what stands for it here."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from fleximodal.config.load import load_config, method_settings, training_of
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.facts_declaration import TaskSettingsTable
from fleximodal.publishing.methods_table import build_methods_table, write_methods_table
from fleximodal.publishing.own_declaration import MethodsTable, Note, SettingsTable, load_own
from fleximodal.publishing.settings_table import (
    Used,
    build_settings_table,
    write_settings_table,
)
from fleximodal.publishing.task_settings_table import (
    build_task_settings,
    write_task_settings_table,
)
from tests.unit.publishing.test_declared_tables import changed

ROOT = Path(__file__).resolve().parents[3]
PROPERTIES = ROOT / "config" / "published" / "fusemoe_table1.csv"
PRINTED = ROOT / "config" / "published" / "fusemoe_table6.csv"
OF_TASKS = ROOT / "config" / "published" / "flexmoe_table6.csv"
PAPERS = {
    "diagnosis": {"experts": 16, "top_k": 4},
    "one-year-mortality": {"experts": 32, "top_k": 3},
}  # where the printed settings of the tasks differ


def methods_table() -> MethodsTable:
    table = load_own(ROOT / "config" / "tables" / "table1.yaml")
    assert isinstance(table, MethodsTable)
    return table


def settings_table() -> SettingsTable:
    table = load_own(ROOT / "config" / "tables" / "table6.yaml")
    assert isinstance(table, SettingsTable)
    return table


def used(*files: str) -> Used:
    values: dict = {}
    for file in files:
        values |= yaml.safe_load((ROOT / "config" / file).read_text())
    config = load_config(values)
    settings = method_settings(config, settings_table().method).model_dump(mode="json")
    return Used(settings, config.training.model_dump(mode="json"), config.seeds)


def test_table1_keeps_the_layout_of_the_paper_and_adds_two_notes(tmp_path: Path) -> None:
    write_methods_table(methods_table(), PROPERTIES, tmp_path)
    lines = (tmp_path / "table1.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:9]]
    assert cells[0][:3] == ["Method", "Type", "Irregularity"]
    assert cells[0][-1] == "In this project"
    assert [row[0].split()[0] for row in cells[2:]] == [
        "Soenksen", "Zhang", "Zadeh", "Mustafa", "FuseMoE"
    ]  # fmt: skip
    by_method = {row[0].split()[0]: dict(zip(cells[0], row, strict=True)) for row in cells[2:]}
    assert by_method["Zhang"]["Num of Mods"] == "2"
    assert by_method["FuseMoE"]["Num of Mods"].startswith("4 (≥ 4")
    assert by_method["Mustafa"]["In this project"] == "–"
    assert len(build_methods_table(methods_table(), PROPERTIES)) == 30


def test_names_that_are_not_printed_are_refused() -> None:
    table = methods_table()
    with pytest.raises(FleximodalError, match="here: .* has no method 'Nobody'"):
        build_methods_table(table.model_copy(update={"here": {"Nobody": "HAIM"}}), PROPERTIES)
    note = Note(method="FuseMoE", property="Colour", note="green")
    with pytest.raises(FleximodalError, match="notes: .* has no FuseMoE Colour"):
        build_methods_table(table.model_copy(update={"notes": [note]}), PROPERTIES)


def test_printed_values_of_mimic_are_used_but_for_the_batch() -> None:
    """The real run takes the printed sizes; two stays a batch, 16 times, become 32 at once."""
    config = {"config.yaml": None, "physionet2012_paper.yaml": None}
    frame = build_settings_table(settings_table(), PRINTED, used(*config)).set_index("parameter")
    assert len(frame) == 21
    assert set(frame.index[frame["verdict"] == "differs"]) == {
        "Training batch size", "Gradient accumulation steps"
    }  # fmt: skip
    assert set(frame.index[frame["verdict"] == "not used"]) == {
        "BERT update epochs", "BERT learning rate", "Eval batch size"
    }  # fmt: skip
    assert frame.loc["Time series encoder learning rate", "used"] == "0.0004"


def test_a_changed_setting_differs(tmp_path: Path) -> None:
    given = used("config.yaml", "physionet2012_paper.yaml")
    changed = replace(given, settings={**given.settings, "experts": 12}, seeds=[42])
    frame = build_settings_table(settings_table(), PRINTED, changed).set_index("parameter")
    assert frame.loc["Number of experts", ["printed", "used", "verdict"]].tolist() == [
        "16", "12", "differs"
    ]  # fmt: skip
    assert frame.loc["Random seed", "verdict"] == "differs"
    write_settings_table(settings_table().noted("small"), PRINTED, changed, tmp_path)
    text = (tmp_path / "table6.md").read_text()
    assert text.startswith("# FuseMoE, table 6: hyperparameters printed and used (small)")


def test_unknown_parameters_are_named(tmp_path: Path) -> None:
    path = tmp_path / "printed.csv"
    path.write_text(PRINTED.read_text().replace("Top k", "Top l", 1))
    with pytest.raises(FleximodalError, match="row 3: unknown parameter 'Top l'"):
        build_settings_table(settings_table(), path, used("config.yaml"))


def task_settings_table() -> TaskSettingsTable:
    path = ROOT / "config" / "tables" / "flexmoe_table6.yaml"
    table = load_table(path, known_methods(), "real")
    assert isinstance(table, TaskSettingsTable)
    return table


def used_by_task(experts: int | None = None) -> dict[str, Used]:
    """Return the printed settings, with another number of experts if one is given."""
    sizes = {"width": 128, "heads": 4, "layers": 1, "warmup_epochs": 5}
    other = {"experts": experts, "top_k": 4}
    config = load_config(
        {
            "tables": ["flexmoe_table6"],
            "training": {"epochs": 50, "batch_size": 8, "learning_rate": 1e-4},
            "network": sizes,
            "by_task": {
                task: {"network": own if experts is None else other} for task, own in PAPERS.items()
            },
        }
    )
    return {
        task: Used(
            method_settings(config, "Flex-MoE", task=task).model_dump(mode="json"),
            training_of(config, task).model_dump(mode="json"),
            config.seeds,
        )
        for task in PAPERS
    }


def test_settings_of_each_task_stand_beside_the_printed_ones(tmp_path: Path) -> None:
    frame = build_task_settings(task_settings_table(), OF_TASKS, used_by_task())
    assert len(frame) == 18 and set(frame["verdict"]) == {"equal"}
    other = build_task_settings(task_settings_table(), OF_TASKS, used_by_task(experts=20))
    apart = other[other["verdict"] == "differs"]
    assert set(zip(apart["task"], apart["parameter"], strict=True)) == {
        ("diagnosis", "Number of experts"),
        ("one-year-mortality", "Number of experts"),
        ("one-year-mortality", "Top k"),
    }
    write_task_settings_table(
        task_settings_table().noted("small"),
        OF_TASKS,
        used_by_task(experts=20),
        tmp_path,
        tmp_path / "claims.csv",
    )
    lines = (tmp_path / "flexmoe_table6.md").read_text().splitlines()
    assert lines[0] == "# Flex-MoE, table 6: hyperparameters printed and used (small)"
    cells = {
        row[0]: row[1:]
        for row in ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[4:13])
    }
    assert cells["Number of experts"] == [
        "experts", "16", "20", "differs", "32", "20", "differs"
    ]  # fmt: skip
    assert cells["Learning rate"][:3] == ["training.learning\\_rate", "0.0001", "0.0001"]


def test_each_printed_setting_is_one_claim_and_none_a_target(tmp_path: Path) -> None:
    write_task_settings_table(
        task_settings_table(), OF_TASKS, used_by_task(), tmp_path, tmp_path / "claims.csv"
    )
    claims = pd.read_csv(tmp_path / "claims.csv")
    assert len(claims) == len(set(claims["claim"])) == 18
    assert len(claims) == len(OF_TASKS.read_text().splitlines()) - 1
    assert (claims["published_mean"] == claims["measured"]).all()
    assert claims["verdict"].str.startswith("not a target: a setting").all()


def test_a_task_that_is_not_declared_is_named(tmp_path: Path) -> None:
    path = changed(tmp_path, "flexmoe_table6", tasks=["diagnosis"])
    table = load_table(path, known_methods(), "real")
    assert isinstance(table, TaskSettingsTable)
    with pytest.raises(FleximodalError, match="row 2: task 'one-year-mortality' is not in table"):
        build_task_settings(table, OF_TASKS, used_by_task())
    path = changed(tmp_path, "flexmoe_table6", tasks=["diagnoses"])
    with pytest.raises(FleximodalError, match="tasks: unknown task 'diagnoses'; did you mean"):
        load_table(path, known_methods(), "real")
