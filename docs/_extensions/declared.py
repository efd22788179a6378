"""The directive `declared`: tables and figures as `config/` declares them, and what computes them.

Its argument is a paper, or `beyond` for what no paper printed.
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from fleximodal.evaluation.names import is_synthetic
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.declared import Table, load_table
from fleximodal.publishing.figure_declaration import FigureDeclaration, load_figure

CONFIG = Path(__file__).resolve().parents[2] / "config"
BEYOND = "beyond"
RELEASES = {
    "mimic4": "MIMIC-IV",
    "mimic3": "MIMIC-III",
    "adni": "ADNI",
    "physionet2012": "PhysioNet 2012",
}
NO_DATA = "none"
PRINTED = re.compile(r"(flexmoe_)?(table|figure)(\d+)([a-d]?)")
HEAD = ["| what | shows | data | published values | computed by |", "|---|---|---|---|---|"]

Declaration = Table | FigureDeclaration


def rows(paper: str) -> list[str]:
    """Return the Markdown rows of a paper's tables and figures, or of what no paper printed."""
    found = [(path, value) for path, value in _declarations() if _paper(path) == paper]
    return [_row(path, value) for path, value in sorted(found, key=lambda one: _order(one[0]))]


def _declarations() -> Iterator[tuple[Path, Declaration]]:
    for path in CONFIG.glob("tables/*.yaml"):
        yield path, load_table(path, known_methods(), "real")
    for path in CONFIG.glob("figures/*.yaml"):
        yield path, load_figure(path, known_methods(), papers_data="real")


def _paper(path: Path) -> str:
    printed = PRINTED.fullmatch(path.stem)
    if printed is None:
        return BEYOND
    return "Flex-MoE" if printed[1] else "FuseMoE"


def _order(path: Path) -> tuple[bool, str, int, str]:
    """Tables before figures, by number where they have one."""
    printed = PRINTED.fullmatch(path.stem)
    number, rest = (int(printed[3]), printed[4]) if printed else (0, path.stem)
    return path.parent.name != "tables", path.parent.name, number, rest


def _row(path: Path, value: Declaration) -> str:
    title, published = value.title, _published(path, value)
    if PRINTED.fullmatch(path.stem):
        title = title.split(": ", 1)[-1]
    data = _data(value, published)
    cells = (
        f"[{_label(path)}](../config/{path.parent.name}/{path.name})",
        title,
        data,
        f"[{len(published)}](../config/published/{value.published})" if published else "-",
        ", ".join(_computed_by(path, value, measured=data != NO_DATA)),
    )
    return f"| {' | '.join(cells)} |"


def _label(path: Path) -> str:
    printed = PRINTED.fullmatch(path.stem)
    if printed is None:
        return path.stem
    _, kind, number, panel = printed.groups()
    return f"{kind} {number}({panel})" if panel else f"{kind} {number}"


def _published(path: Path, value: Declaration) -> list[dict[str, str]]:
    """Return the published values of a declaration that its paper is the source of."""
    file = getattr(value, "published", None)
    if not file:
        return []
    with (CONFIG / "published" / file).open(encoding="utf-8", newline="") as lines:
        values = list(csv.DictReader(lines))
    return [row for row in values if _paper(path) in row.get("source", row.get("reference", ""))]


def _data(value: Declaration, published: list[dict[str, str]]) -> str:
    """Return the data that the numbers are about: those of the printed values, or the source's."""
    named = dict.fromkeys(row["dataset"] for row in published if "dataset" in row)
    source = getattr(value, "source", "")
    if is_synthetic(source):
        return "generated"
    return ", ".join(named) or RELEASES.get(source, NO_DATA)


def _computed_by(path: Path, value: Declaration, *, measured: bool) -> Iterator[str]:
    """Give the configurations that ask for it, each with the kind of data it computes it from."""
    for file, config in _configurations():
        if path.stem not in config.get(path.parent.name, ()):
            continue
        if isinstance(value, TableDeclaration):
            real = not is_synthetic(value.source)
        else:
            real = config.get("papers_data") == "real"
        kind = (" (real)" if real else " (generated)") if measured else ""
        yield f"[{file.stem}](../config/{file.name}){kind}"


@cache
def _configurations() -> list[tuple[Path, dict[str, Any]]]:
    files = sorted(CONFIG.glob("*.yaml"), key=lambda file: (file.stem != "config", file.stem))
    return [(file, yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files]


class Declared(SphinxDirective):
    """A table with one row for each declaration."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        found = rows(self.arguments[0])
        if not found:
            raise self.error(f"nothing in config/ is declared for {self.arguments[0]!r}")
        for file in CONFIG.rglob("*.yaml"):
            self.env.note_dependency(str(file))
        return self.parse_text_to_nodes("\n".join([*HEAD, *found]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("declared", Declared)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
