"""What a rule depends on, read from the imports of its script."""

from pathlib import Path

import pytest

from fleximodal.config import code

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "workflow" / "scripts"


def names(script: str, *functions: str) -> set[str]:
    package = code.SOURCE / code.PACKAGE
    files = code.files_behind(SCRIPTS / f"{script}.py", functions)
    return {str(file.relative_to(package)) for file in files}


def test_tree_method_does_not_depend_on_the_networks() -> None:
    trees = names("train_cell", "fleximodal.training.haim:fit_haim")
    assert "training/haim.py" in trees
    assert not [name for name in trees if name.startswith("models/")]


def test_network_depends_on_what_it_is_built_from() -> None:
    networks = names(
        "train_cell", "fleximodal.training.network:fit_network", "fleximodal.models.build:build"
    )
    assert {"models/mtand.py", "models/sparse_moe.py", "dataset/batch.py"} <= networks
    assert "training/haim.py" not in networks


def test_what_reaches_a_rule_as_a_value_is_not_followed() -> None:
    for script in SCRIPTS.glob("*.py"):
        assert not [name for name in names(script.stem) if name.startswith(("config", "methods"))]


@pytest.mark.parametrize(
    "same",
    [
        "# Words.\ndef f(x):\n    return x + 1\n",
        "def f(x):\n    return (x + 1)  # Words.\n",
        '"""Words."""\n\n\ndef f(x):\n    """More."""\n    return x + 1\n',
        "def f(\n    x,\n):\n    '''Words.'''\n\n    return x + 1\n",
    ],
)
def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path, same: str) -> None:
    script = tmp_path / "script.py"
    script.write_text("def f(x):\n    return x + 1\n")
    fingerprint = code.fingerprint(script)
    script.write_text(same)
    assert code.fingerprint(script) == fingerprint


@pytest.mark.parametrize(
    "other",
    [
        "def f(x):\n    return x + 2\n",
        "def f(y):\n    return y + 1\n",
        "def f(x):\n    'a value'; x\n    return x + 1\n",
        "from fleximodal.io.atomic import write_json\n\n\ndef f(x):\n    return x + 1\n",
    ],
)
def test_statements_of_a_script_count(tmp_path: Path, other: str) -> None:
    script = tmp_path / "script.py"
    script.write_text("def f(x):\n    return x + 1\n")
    fingerprint = code.fingerprint(script)
    script.write_text(other)
    assert code.fingerprint(script) != fingerprint


def test_import_inside_a_block_is_followed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "def f():\n    try:\n        import fleximodal.errors\n    except ImportError:\n"
        "        from fleximodal.io import atomic\n"
    )
    assert {"errors.py", "atomic.py"} <= {file.name for file in code.files_behind(script)}


def test_code_of_a_package_that_registered_a_method_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "somebodys"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "late.py").write_text("WIDTH = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    script = SCRIPTS / "train_cell.py"
    before = code.fingerprint(script, ["somebodys.late:build"])
    assert code.fingerprint(script, ["somebodys.late:build"]) == before
    (package / "late.py").write_text("WIDTH = 2\n")
    assert code.fingerprint(script, ["somebodys.late:build"]) != before


def test_what_guards_a_job_is_not_what_shapes_its_result() -> None:
    names = {file.name for file in code.files_behind(ROOT / "workflow/scripts/train_cell.py")}
    assert {"cell.py", "manifest.py"} <= names
    assert not {"job.py", "gpu.py", "seal.py", "log.py"} & names
