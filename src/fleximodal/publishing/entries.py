"""Pair the cells of a declaration with the files that were made for them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fleximodal.publishing.declaration import TableDeclaration


def entries(declaration: TableDeclaration, **files: Sequence[Path | str]) -> list[dict[str, Any]]:
    """Return one entry per cell, in row order: "cell" and one path per kind of file.

    Parameters
    ----------
    declaration
        The table.
    files
        Per kind ("metrics", "cost", "curves") the files that exist, in folders named after their
        cells. A kind without a file for a cell is None in its entry: the data are absent.
    """
    found = {
        kind: {Path(path).parent.as_posix(): str(path) for path in paths}
        for kind, paths in files.items()
    }
    return [
        {
            "cell": asdict(cell),
            **{
                kind: next(
                    (path for folder, path in paths.items() if ends(folder, cell.path)), None
                )
                for kind, paths in found.items()
            },
        }
        for cell in declaration.cells()
    ]


def ends(folder: str, path: str) -> bool:
    """Tell whether `folder` is `path` or ends in it, at the border of a name."""
    return f"/{folder}".endswith(f"/{path}")
