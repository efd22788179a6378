"""Declarations of every kind of table: what ships, and the sentence for what is refused."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleximodal.config.cell import Cell
from fleximodal.config.cells import describe
from fleximodal.config.load import load_config
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.comparison_declaration import Comparison
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.publishing.published_values import read_printed

ROOT = Path(__file__).resolve().parents[3]
TABLES = ROOT / "config" / "tables"
VALUES = {"table3": 48, "table4": 48, "table7": 32, "table8": 48}


def load(name: str, data: str = "generated") -> Any:
    return load_table(TABLES / f"{name}.yaml", known_methods(), data)


def changed(folder: Path, name: str, **changes: Any) -> Path:
    keys = yaml.safe_load((TABLES / f"{name}.yaml").read_text()) | changes
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(keys))
    return path


@pytest.mark.parametrize("number", range(1, 11))
def test_each_table_of_flexmoe_is_declared(number: int) -> None:
    table = load(f"flexmoe_table{number}")
    assert table.name == f"flexmoe_table{number}" and table.paper == "Flex-MoE"
    assert table.title.startswith(f"Flex-MoE, table {number}: ")
    assert table.noted("small").title == f"{table.title} (small)"
    assert bool(table.cells()) == (number not in (5, 6))


@pytest.mark.parametrize("number", range(1, 9))
def test_each_table_of_the_paper_is_declared(number: int) -> None:
    table = load(f"table{number}")
    assert table.name == f"table{number}"
    assert table.noted("small").title == f"{table.title} (small)"
    assert bool(table.cells()) == (f"table{number}" in VALUES)


def test_176_values_are_printed_and_each_has_a_cell() -> None:
    for name, count in VALUES.items():
        table = load(name)
        printed = read_printed(ROOT / "config" / "published" / table.published, table)
        assert len(printed) == count
        cells = table.cells()
        assert len(cells) == len(set(cells))
        for modalities, task, _, method in printed:
            assert table.cell(task, table.modalities[modalities], table.methods[method]) in cells
    assert sum(VALUES.values()) == 176


def test_one_word_turns_generated_into_real() -> None:
    generated, real = load("table4"), load("table4", "real")
    assert {cell.source for cell in generated.cells()} == {"synthetic-mimic4"}
    assert {cell.source for cell in real.cells()} == {"mimic4"}
    assert "synthetic" in generated.title and "synthetic" not in real.title
    assert load("table7").cells()[0].source == "synthetic-mimic3"
    assert "synthetic" in load("switches").title


def test_routers_and_cases_are_those_of_the_paper() -> None:
    for name, suffix, cases in (
        ("table3", "-joint", "vitals+notes+cxr"),
        ("table4", "", "all"),
        ("table7", "-joint", "vitals+notes"),
        ("table8", "-joint", "vitals+notes+cxr"),
    ):
        table = load(name)
        gates = [table.methods[gate] for gate in table.gates]
        assert gates == [f"FuseMoE-{g}{suffix}" for g in ("Softmax", "Gaussian", "Laplace")]
        assert {cell.cases for cell in table.cells()} == {cases}
        assert {(cell.protocol, cell.variant) for cell in table.cells()} == {("stay", "paper")}
    methods = Counter(cell.method for cell in load("table4").cells())
    assert methods["MISTS"] == methods["FuseMoE-Laplace"] == 6  # three tasks, two sets


def test_rows_of_a_comparison_know_what_they_are_held_against() -> None:
    controls = load("controls")
    assert isinstance(controls, Comparison)
    against = {cell.variant: other for cell, other in controls.rows() if cell.method == "HAIM"}
    assert against["paper"] is None
    shuffled, noise = against["paper+shuffled-labels"], against["paper+noise-notes"]
    assert shuffled is not None and (shuffled.modalities, shuffled.variant) == (
        "vitals+notes", "paper"
    )  # fmt: skip
    assert noise is not None and (noise.modalities, noise.variant) == ("vitals", "paper")
    assert isinstance(controls.cells()[0], Cell)
    assert len(controls.cells()) == 8 == len(set(controls.cells()))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("table3", {"kind": "publishd"}, "unknown kind 'publishd'; did you mean 'published'?"),
        ("table3", {"modalitys": {}}, "unknown key 'modalitys'; did you mean 'modalities'?"),
        ("table3", {"tasks": ["48-IMH"]}, "unknown task '48-IMH'; did you mean '48-IHM'?"),
        ("table3", {"metrics": {"AUROC": "brier"}}, "metrics: unknown metric 'brier'"),
        ("table3", {"gates": ["Sigmoid"]}, "gates: unknown gate 'Sigmoid'"),
        ("table3", {"protocol": "stays"}, "unknown protocol 'stays'; did you mean 'stay'?"),
        ("table4", {"extensions": ["HAIM"]}, "methods: 'HAIM' is there twice"),
        ("switches", {"variants": ["paper", "paper+K-33"]}, "variants: .*unknown modifier 'K-33'"),
        ("switches", {"reference": "released+K-1"}, "unknown reference 'released[+]K-1'"),
        ("controls", {"modalities": ["vitals"]}, "needs modality sets that have 'notes'"),
        ("controls", {"metrics": ["f2"]}, "unknown metric 'f2'; did you mean 'f1'?"),
        ("table6", {"kind": "counts"}, "kind 'counts' is that of table5.yaml"),
        ("table1", {"method": "HAIM"}, "unknown key 'method'"),
    ],
)
def test_faults_are_named(tmp_path: Path, name: str, changes: dict[str, Any], message: str) -> None:
    path = changed(tmp_path, name, **changes)
    with pytest.raises(FleximodalError, match=f"{path}: .*{message.replace('?', '[?]')}"):
        load_table(path, known_methods(), "generated")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("75.06", "175.06", "row 1: mean '175.06' is not a percentage"),
        ("mean", "means", "column 'mean' is missing"),
        ("48-IHM,AUROC,MulT", "48-IHM,AUROC,MISTS", "row 2: .*MISTS is there twice"),
        ("48-IHM,AUROC,MulT", "48-IHM,AUROC,MulT2", "MulT is missing, but table table3"),
    ],
)
def test_faulty_published_values_are_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    table = load("table3")
    assert isinstance(table, PublishedTable)
    path = tmp_path / "values.csv"
    text = (ROOT / "config" / "published" / table.published).read_text()
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FleximodalError, match=f"{path}: .*{message}"):
        read_printed(path, table)


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_table_names_cells_that_can_be_trained(path: Path) -> None:
    config = load_config(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
    table = load(path.stem)
    for cell in table.cells():
        described = describe(config, cell)
        assert described["modalities"] == cell.modalities


def test_a_method_that_fuses_is_refused_for_one_modality(tmp_path: Path) -> None:
    config = load_config(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
    path = changed(tmp_path, "adni", methods=["MulT"], modalities=["clinical"])
    (cell,) = load_table(path, known_methods(), "generated").cells()
    with pytest.raises(FleximodalError, match="method MulT fuses 2 modalities .* clinical alone"):
        describe(config, cell)
