"""A fingerprint of the code that a script depends on, found by following its imports."""

import ast
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from fleximodal.io.manifest import hash_of, sha256_of

PACKAGE = "fleximodal"
SOURCE = Path(__file__).resolve().parents[2]
# What these decide reaches a rule as a value in its params, and is compared there; an edit of
# their text alone (another method, another description) must not rerun anything.
BY_VALUE = (f"{PACKAGE}.config", f"{PACKAGE}.methods")


def fingerprint(script: Path, functions: Iterable[str] = ()) -> str:
    """Return one hash over the text of all files behind `script`; an edit of one changes it.

    Parameters
    ----------
    script, functions
        As for `files_behind`.
    """
    files = files_behind(script, functions)
    return hash_of([[file.name, sha256_of(file)] for file in files])


def files_behind(script: Path, functions: Iterable[str] = ()) -> list[Path]:
    """Return the files that `script` imports, directly or through others, sorted.

    Of this package those that are imported; of a package that registered a method all of them.

    Parameters
    ----------
    script
        A Python file.
    functions
        Further starting points, as "module:function", imported only when they are needed.
    """
    found: set[Path] = set()
    waiting = list(_imports(script))
    for function in functions:
        module = function.split(":")[0]
        found |= _files_of_others(module)
        waiting.append(module)
    while waiting:
        name = waiting.pop()
        file = _file_of(name)
        if file is None or file in found or name.startswith(BY_VALUE):
            continue
        found.add(file)
        waiting += _imports(file)
    return sorted(found)


def _files_of_others(module: str) -> set[Path]:
    """Return every file of the package outside this one that holds `module`."""
    top = module.split(".")[0]
    spec = None if top == PACKAGE else find_spec(top)
    if spec is None or spec.origin is None:
        return set()
    origin = Path(spec.origin)
    return set(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else {origin}


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file_of(name: str) -> Path | None:
    if name.split(".")[0] != PACKAGE:
        return None
    stem = SOURCE.joinpath(*name.split("."))
    for file in (stem.with_suffix(".py"), stem / "__init__.py"):
        if file.is_file():
            return file
    return None
