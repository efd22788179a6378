"""The register of differences: whole, and every switch that it names exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from fleximodal.config.load import load_config
from fleximodal.config.schema import Config
from fleximodal.methods.differences import DIFFERENCES, Difference
from fleximodal.methods.registry import find_method, known_methods
from fleximodal.publishing.declaration import TableKeys
from fleximodal.sources.adni.preparation import Preparation

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "discrepancies.md").read_text()
COUNTS = {"K": 28, "B": 21, "C": 19, "H": 46, "E": 11, "S": 6}
FIELDS = {
    field for method in known_methods().values() for field in type(method.settings).model_fields
}


def rows() -> dict[str, list[str]]:
    """Return the cells of each numbered row."""
    found: dict[str, list[str]] = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and re.fullmatch(r"[A-Z]-\d+", cells[0]):
            assert cells[0] not in found, f"{cells[0]} has two rows"
            found[cells[0]] = cells
    return found


ROWS = rows()


def test_every_number_of_the_specifications_has_its_row() -> None:
    expected = [f"{letter}-{n}" for letter, count in COUNTS.items() for n in range(1, count + 1)]
    assert sorted(ROWS) == sorted(expected)
    for number, cells in ROWS.items():
        assert len(cells) == (4 if number.startswith("S") else 6), number
        assert all(cells), f"{number} has an empty cell"


def named(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("number", ROWS)
def test_every_switch_named_exists(number: str) -> None:
    switch = ROWS[number][-1]
    links = re.fullmatch(r"of (those|[A-Z]-\d+)", switch)
    if links:
        assert links[1] == "those" or links[1] in ROWS
        return
    assert switch == "none" or named(switch)
    for name in named(switch):
        assert exists(name.split(":")[0]), name


def exists(name: str) -> bool:
    """Whether `name` is a field of settings, a key of the configuration or of a declaration."""
    if "." not in name:
        return name in FIELDS or name in Config.model_fields
    first, *rest = name.split(".")
    if first == "declaration":
        return rest[0] in TableKeys.model_fields
    if first == "methods":
        return rest[1] in type(find_method(rest[0]).settings).model_fields
    model: Any = Config
    for part in (first, *rest):
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return False
        fields = {field.alias or key: field for key, field in model.model_fields.items()}
        if part not in fields:
            return False
        model = fields[part].annotation
    return True


def test_names_that_do_not_exist_are_found() -> None:
    assert exists("tasks.25-PHE.axis") and exists("flatten") and exists("seeds")
    for name in ("tasks.25-PHE.axes", "flaten", "seeds.first", "declaration.case"):
        assert not exists(name), name


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda entry: entry.id)
def test_each_switched_difference_is_in_the_register_with_its_values(
    difference: Difference,
) -> None:
    values: dict[str, Any] = {}
    for name in named(ROWS[difference.id][-1]):
        if ":" in name:
            values |= yaml.safe_load(name)
    assert values == dict(difference.fields)
    for other in difference.same_as:
        assert difference.id in " ".join(ROWS[other]), other


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda entry: entry.id)
def test_switches_to_the_text_are_marked(difference: Difference) -> None:
    assert ROWS[difference.id][-1].endswith("(text)") is difference.literal


def test_values_in_the_register_are_those_of_variant_released() -> None:
    switched = {number for number, cells in ROWS.items() if re.search(r"`\w+: ", cells[-1])}
    assert switched == {difference.id for difference in DIFFERENCES}


def test_fields_of_open_choices_exist() -> None:
    section = PAGE.split("### What the text leaves open")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    assert lines
    for line in lines:
        (field,) = named(line.strip("|").split("|")[-1])
        assert field in FIELDS


def test_keys_of_the_released_data_are_valid() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    keys = yaml.safe_load(block)
    config = load_config({"tables": ["table4"], **keys})
    assert config.sources.mimic4.channels == "authors"
    released = Preparation.released().model_dump()
    assert config.sources.adni.model_dump(include=set(released)) == released
