"""Floors of the package import downward only, and most of them know nothing of torch."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
FLOORS = [
    *("sources", "cohorts", "encoders", "dataset"),
    *("models", "training", "evaluation", "publishing", "theory"),
]


@cache
def imports(file: Path) -> frozenset[str]:
    """Return the modules that a file imports when it runs; a name may be one of a package's."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def imported_by(file: Path, seen: set[Path]) -> set[str]:
    """Return the top modules that `file` imports, also through the package's own modules."""
    if file in seen:
        return set()
    seen.add(file)
    found = {name.split(".")[0] for name in imports(file)}
    for name in imports(file):
        stem = SOURCE.joinpath(*name.split("."))
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file():
                found |= imported_by(path, seen)
    return found


def test_floors_import_downward_only() -> None:
    for index, floor in enumerate(FLOORS):
        for file in (SOURCE / "fleximodal" / floor).rglob("*.py"):
            higher = [
                name
                for name in FLOORS[index + 1 :]
                if re.search(rf"^\s*(from|import) fleximodal\.{name}", file.read_text(), re.M)
            ]
            assert not higher, f"{file} imports {higher}"


@pytest.mark.parametrize("floor", ["evaluation", "publishing", "cohorts", "sources", "config"])
def test_floor_does_not_know_torch(floor: str) -> None:
    for file in (SOURCE / "fleximodal" / floor).rglob("*.py"):
        assert "torch" not in imported_by(file, set()), file
