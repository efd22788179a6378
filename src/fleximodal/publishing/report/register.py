"""The register of differences between texts and released code, as `docs/` holds it."""

import re
from dataclasses import dataclass
from pathlib import Path

from fleximodal.errors import FleximodalError

LAST = ["here", "switch"]  # the last headings of a table of the register
_CELLS = re.compile(r"(?<!\\)\|")
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Entry:
    """A difference: its number, the part of the register, and its cells by heading."""

    number: str
    part: str
    cells: dict[str, str]


def read_register(path: Path | str) -> list[Entry]:
    """Return the entries of the register's Markdown tables, in order.

    Those are the tables whose first heading is empty and whose last are `LAST`.

    Raises
    ------
    FleximodalError
        If the file cannot be read, holds no entry, or a row has another number of cells.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FleximodalError(f"{path}: cannot be read ({error.strerror})") from None
    entries: list[Entry] = []
    part, headings = "", list[str]()
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            part = line.lstrip("# ")
        cells = [_plain(cell) for cell in _CELLS.split(line.strip())[1:-1]]
        if not cells:
            headings = []
        elif cells[0] == "" and cells[-2:] == LAST:
            headings = cells
        elif headings and cells[0].strip("-"):
            if len(cells) != len(headings):
                raise FleximodalError(
                    f"{path}: line {number}: {len(cells)} cells instead of {len(headings)}; a | "
                    "inside a cell is written \\|"
                )
            told = dict(zip(headings[1:], cells[1:], strict=True))
            entries.append(Entry(cells[0], part, told))
    if not entries:
        raise FleximodalError(f"{path}: holds no table with the columns {', '.join(LAST)}")
    return entries


def _plain(cell: str) -> str:
    """Return the text of a cell without Markdown's marks."""
    return _LINK.sub(r"\1", cell).replace("\\|", "|").replace("`", "").strip()
