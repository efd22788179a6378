"""A page of the report: headings, paragraphs, tables; what it says of the data goes first."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from fleximodal.io.atomic import write_text
from fleximodal.publishing.html_page import page_html, table_html
from fleximodal.publishing.report.facts import Facts

GENERATED = (
    "All numbers of this run are from synthetic (generated) data: they show that the program "
    "works, and say nothing about patients or about the papers."
)
PARTLY = (
    "Part of the numbers of this run is from synthetic (generated) data; what is synthetic says so."
)


@dataclass
class Document:
    """A page under construction."""

    title: str
    blocks: list[str] = field(default_factory=list)

    def heading(self, words: str) -> None:
        """Add a heading."""
        self.blocks.append(f"<h2>{html.escape(words)}</h2>")

    def text(self, *words: str) -> None:
        """Add a paragraph of sentences; without words nothing."""
        shown = " ".join(word for word in words if word)
        if shown:
            self.blocks.append(f"<p>{html.escape(shown)}</p>")

    def points(self, points: Sequence[str]) -> None:
        """Add a list."""
        items = "".join(f"<li>{html.escape(point)}</li>" for point in points)
        self.blocks.append(f"<ul>{items}</ul>")

    def table(self, view: pd.DataFrame, name: str, otherwise: str) -> None:
        """Add a table of text; where it has no rows, the sentence `otherwise` instead."""
        if view.empty:
            self.text(otherwise)
        else:
            self.blocks.append(table_html(view, name))

    def write(self, path: Path | str) -> None:
        """Write the page."""
        write_text(path, page_html(self.title, self.blocks))


def begin(title: str, facts: Facts) -> Document:
    """Return a page with its title, the configuration's note, and what data a run is about."""
    note = facts.configuration["note"]
    document = Document(f"{title} ({note})" if note else title)
    synthetic = "synthetic" in facts.kinds
    document.text(GENERATED if facts.generated else PARTLY if synthetic else "")
    return document
