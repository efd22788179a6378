"""A fingerprint of the code behind a rule's script: the script and all that it imports."""

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fleximodal.io.manifest import hash_of

PACKAGE = "fleximodal"
SOURCE = Path(__file__).resolve().parents[2]
# What these decide reaches a rule as a value in its params, and is compared there; an edit of
# their text alone (another method, another description) must not rerun anything.
BY_VALUE = (f"{PACKAGE}.config", f"{PACKAGE}.methods")
# The door of a job: it guards and records what the job does, and no result depends on it.
DOOR = tuple(f"{PACKAGE}.io.{name}" for name in ("gpu", "job", "job_record", "log", "seal"))
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(script: Path, functions: Iterable[str] = ()) -> str:
    """Return one hash over the statements of `script` and of all files behind it.

    An edit of one of them changes it, unless it touches only comments, docstrings or layout.

    Parameters
    ----------
    script, functions
        As for `files_behind`.
    """
    files = [script, *files_behind(script, functions)]
    return hash_of([[file.name, _statements(_text(file)).form] for file in files])


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
    seen: set[str] = set()
    waiting = list(_imports(script))
    for function in functions:
        module = function.split(":")[0]
        found |= _files_of_others(module)
        waiting.append(module)
    while waiting:
        name = waiting.pop()
        if name in seen or name.startswith(BY_VALUE) or name in DOOR:
            continue
        seen.add(name)
        file = _file_of(name)
        if file is not None and file not in found:
            found.add(file)
            waiting += _imports(file)
    return sorted(found)


@dataclass(frozen=True)
class _Statements:
    """What a file says to Python: a hash of its form, and the names that it imports."""

    form: str
    imports: tuple[str, ...]


# Many scripts share most of their files; parsing each once takes the time of a start down by half.
@cache
def _statements(text: str) -> _Statements:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        # A package of somebody else may hold templates that are not Python yet.
        return _Statements(hash_of(text), ())
    imports: list[str] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
        imports += _names(node)
        for block in _BLOCKS:
            waiting += getattr(node, block, ())
    # Without line numbers: a comment moves the lines below it.
    return _Statements(hash_of(ast.dump(tree)), tuple(imports))


def _names(node: ast.AST) -> Iterator[str]:
    """Yield what a statement imports; a name taken from a package may be a module of it."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imports(file: Path) -> tuple[str, ...]:
    return _statements(_text(file)).imports


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _files_of_others(module: str) -> set[Path]:
    """Return every file of the package outside this one that holds `module`."""
    top = module.split(".")[0]
    spec = None if top == PACKAGE else find_spec(top)
    if spec is None or spec.origin is None:
        return set()
    origin = Path(spec.origin)
    return set(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else {origin}


def _file_of(name: str) -> Path | None:
    if name.split(".")[0] != PACKAGE:
        return None
    stem = SOURCE.joinpath(*name.split("."))
    for file in (stem.with_suffix(".py"), stem / "__init__.py"):
        if file.is_file():
            return file
    return None


def lead_to_this_package() -> None:
    """Let every process started from here import the code that is fingerprinted.

    An installed package of another checkout would come first otherwise.
    """
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE), others]))
