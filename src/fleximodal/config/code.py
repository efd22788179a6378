"""A fingerprint of the code that a script depends on, found by following its imports."""

import ast
from collections.abc import Iterable, Iterator
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
    return hash_of({str(file.relative_to(SOURCE)): sha256_of(file) for file in files})


def files_behind(script: Path, functions: Iterable[str] = ()) -> list[Path]:
    """Return the package's files that `script` imports, directly or through others, sorted.

    Parameters
    ----------
    script
        A Python file.
    functions
        Further starting points, as "module:function", imported only when they are needed.
    """
    found: set[Path] = set()
    waiting = list(_imports(script))
    waiting += [name.split(":")[0] for name in functions]
    while waiting:
        name = waiting.pop()
        file = _file_of(name)
        if file is None or file in found or name.startswith(BY_VALUE):
            continue
        found.add(file)
        waiting += _imports(file)
    return sorted(found)


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
