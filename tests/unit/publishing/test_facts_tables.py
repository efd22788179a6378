"""Tables 1 and 6: what is printed, and what stands for it here."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fleximodal.config.load import load_config, method_settings
from fleximodal.errors import FleximodalError
from fleximodal.publishing.methods_table import build_methods_table, write_methods_table
from fleximodal.publishing.own_declaration import MethodsTable, Note, SettingsTable, load_own
from fleximodal.publishing.settings_table import (
    Used,
    build_settings_table,
    write_settings_table,
)

ROOT = Path(__file__).resolve().parents[3]
PROPERTIES = ROOT / "config" / "published" / "fusemoe_table1.csv"
PRINTED = ROOT / "config" / "published" / "fusemoe_table6.csv"


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
