"""Declarations: what is accepted, and the sentence for what is not."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleximodal.errors import FleximodalError
from fleximodal.publishing.declaration import load_declaration

ROOT = Path(__file__).resolve().parents[3]
METHODS = ("HAIM", "Concat", "FuseMoE-Laplace", "FuseMoE-Softmax")
KEYS = {
    "title": "Deaths",
    "caption": "Who died.",
    "source": "physionet2012",
    "task": "48-IHM",
    "protocol": "five-random",
    "modalities": ["vitals+labs", "vitals"],
    "methods": ["HAIM", "FuseMoE-Laplace"],
    "metrics": ["auroc", "brier"],
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "deaths.yaml"
    keys = {key: value for key, value in (KEYS | changes).items() if value is not None}
    path.write_text(yaml.safe_dump(keys))
    return path


def test_name_comes_from_the_file_and_the_rest_from_defaults(tmp_path: Path) -> None:
    declaration = load_declaration(written(tmp_path), METHODS)
    assert declaration.name == "deaths"
    assert declaration.variants == ["paper"] and declaration.cases == "all"
    assert declaration.figure is True
    assert declaration.peers is None
    assert declaration.optimum is False


@pytest.mark.parametrize(
    ("source", "task", "protocol"),
    [
        ("mimic4", "25-PHE", "stay"),
        ("mimic3", "48-IHM", "patient"),
        ("synthetic-mimic4", "one-year-mortality", "patient"),
        ("synthetic-mimic3", "LOS", "stay"),
        ("synthetic-physionet2012", "48-IHM", "official"),
    ],
)
def test_sources_tasks_and_protocols_are_known(
    tmp_path: Path, source: str, task: str, protocol: str
) -> None:
    path = written(tmp_path, source=source, task=task, protocol=protocol)
    cell = load_declaration(path, METHODS).cells()[0]
    assert (cell.source, cell.task, cell.protocol) == (source, task, protocol)


def test_hospital_has_every_set_of_modalities_and_the_optimum() -> None:
    declaration = load_declaration(ROOT / "config" / "tables" / "hospital.yaml", METHODS)
    order = ["vitals", "notes", "cxr", "ecg"]
    sets = ["+".join(some) for size in range(1, 5) for some in itertools.combinations(order, size)]
    assert declaration.modalities == sets
    assert declaration.optimum and declaration.figure
    assert "synthetic" in declaration.title
    assert declaration.methods == ["HAIM", "FuseMoE-Laplace"]


def test_note_is_added_to_the_title_only(tmp_path: Path) -> None:
    declaration = load_declaration(written(tmp_path), METHODS)
    assert declaration.noted("small networks").title == "Deaths (small networks)"
    assert declaration.noted("small networks").model_copy(update={"title": "Deaths"}) == declaration
    assert declaration.noted("") == declaration


def test_cells_are_in_row_order(tmp_path: Path) -> None:
    cells = load_declaration(written(tmp_path), METHODS).cells()
    assert [(cell.modalities, cell.method) for cell in cells] == [
        ("vitals+labs", "HAIM"),
        ("vitals+labs", "FuseMoE-Laplace"),
        ("vitals", "HAIM"),
        ("vitals", "FuseMoE-Laplace"),
    ]
    assert cells[0].path == "physionet2012/48-IHM/five-random/all/vitals+labs/HAIM/paper"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methodes": ["HAIM"]}, "unknown key 'methodes'; did you mean 'methods'?"),
        ({"name": "other"}, "unknown key 'name'"),
        ({"title": None}, "key 'title' is missing"),
        ({"methods": []}, "key 'methods'"),
        ({"metrics": "auroc"}, "key 'metrics'"),
        ({"figure": "perhaps"}, "key 'figure'"),
        ({"task": "48-IMH"}, "key 'task': .*48-IHM"),
        ({"modalities": ["vitals + labs"]}, "key 'modalities.0'"),
        ({"peers": "../secret.csv"}, "key 'peers'"),
        (
            {"methods": ["HAIM", "FuseMoE-Laplce"]},
            "methods: unknown method 'FuseMoE-Laplce'; did you mean 'FuseMoE-Laplace'?",
        ),
        ({"metrics": ["aurco"]}, "metrics: unknown metric 'aurco'; did you mean 'auroc'?"),
        (
            {"source": "physionet2021"},
            "source: unknown source 'physionet2021'; did you mean 'physionet2012'?",
        ),
        (
            {"protocol": "five_random"},
            "protocol: unknown protocol 'five_random'; did you mean 'five-random'?",
        ),
        ({"methods": ["HAIM", "HAIM"]}, "methods: 'HAIM' is there twice"),
        ({"modalities": ["vitals", "vitals"]}, "modalities: 'vitals' is there twice"),
        (
            {"source": "synthetic-physionet2012", "peers": "a.csv"},
            "cannot stand beside generated data",
        ),
        ({"source": "synthetic"}, "source: unknown source 'synthetic'"),
        ({"protocol": "seeded"}, "protocol: unknown protocol 'seeded'"),
        ({"optimum": True}, "optimum: it is known for generated data only"),
        (
            {"source": "synthetic-mimic4", "optimum": True, "metrics": ["auprc"]},
            "optimum: it stands beside the metric 'auroc'",
        ),
    ],
)
def test_faults_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(FleximodalError, match=f"{path}: .*{message.replace('?', '[?]')}"):
        load_declaration(path, METHODS)


@pytest.mark.parametrize("text", ["", "- a list", "title: [unclosed", "title: 'a'\n b: : c"])
def test_files_that_are_no_mapping_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deaths.yaml"
    path.write_text(text)
    with pytest.raises(FleximodalError, match=str(path)):
        load_declaration(path, METHODS)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleximodalError, match="deaths.yaml: cannot be read"):
        load_declaration(tmp_path / "deaths.yaml", METHODS)


SHIPPED = [
    path
    for path in sorted((ROOT / "config" / "tables").glob("*.yaml"))
    if "kind" not in yaml.safe_load(path.read_text())
]


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_shipped_declarations_are_accepted(path: Path) -> None:
    from fleximodal.methods.registry import known_methods

    declaration = load_declaration(path, known_methods())
    if declaration.source.endswith("physionet2012"):
        assert "seudo-modalities" in declaration.caption
    if declaration.source.startswith("synthetic-"):
        assert "synthetic" in declaration.title and "Synthetic data" in declaration.caption
    assert declaration.peers is None or (ROOT / "config/published" / declaration.peers).is_file()
