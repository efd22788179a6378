"""Pair the cells of a declaration with the files that were made for them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from fleximodal.config.cell import Cell


class Declared(Protocol):
    """Any declaration: it has cells."""

    def cells(self) -> list[Cell]:
        """Return the cells in row order."""
        ...


def entries(
    declaration: Declared,
    *,
    leakage: Sequence[Path | str] | None = None,
    **files: Sequence[Path | str],
) -> list[dict[str, Any]]:
    """Return one entry per cell, in row order: "cell" and one path per kind of file.

    Parameters
    ----------
    declaration
        The table.
    leakage
        The leakage.json of each (source, task, protocol) of the table that exists, in folders
        SOURCE/TASK/leakage/PROTOCOL. If given, each entry has the key "leakage": the file of its
        cell, or None.
    files
        Per kind ("metrics", "cost", "curves", "predictions") the files that exist, in folders
        named after their cells. A kind without a file for a cell is None in its entry: the data of
        that cell are absent.
    """
    found = {kind: _by_folder(paths) for kind, paths in files.items()}
    reports = _by_folder(leakage or ())
    gathered = []
    for cell in declaration.cells():
        entry: dict[str, Any] = {"cell": asdict(cell)}
        entry |= {kind: _in_folder(paths, cell.path) for kind, paths in found.items()}
        if leakage is not None:
            folder = f"{cell.source}/{cell.task}/leakage/{cell.protocol}"
            entry["leakage"] = _in_folder(reports, folder)
        gathered.append(entry)
    return gathered


def cells_with(declaration: Declared, files: Sequence[Path | str]) -> list[tuple[Cell, Path | str]]:
    """Return the cells of a declaration that have a file, with that file, in row order."""
    found = _by_folder(files)
    pairs = ((cell, _in_folder(found, cell.path)) for cell in declaration.cells())
    return [(cell, path) for cell, path in pairs if path is not None]


def ends(folder: str, path: str) -> bool:
    """Tell whether `folder` is `path` or ends in it, at the border of a name."""
    return f"/{folder}".endswith(f"/{path}")


def _by_folder(paths: Sequence[Path | str]) -> dict[str, str]:
    return {Path(path).parent.as_posix(): str(path) for path in paths}


def _in_folder(paths: dict[str, str], wanted: str) -> str | None:
    return next((path for folder, path in paths.items() if ends(folder, wanted)), None)
