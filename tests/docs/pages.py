"""Pages of the documentation, and the fenced blocks in them with what is said about each.

The line before a block may say, as an HTML comment: `run` (shell: run it), `file: PATH` (what the
reader saves there), or `not run: REASON`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "config" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMENT = re.compile(r"<!--\s*(run|file|not run)\s*(?::\s*(.*?))?\s*-->")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, its language ("" if none is given), mark, and content."""

    page: Path
    line: int
    language: str
    mark: str
    words: str
    text: str

    @property
    def place(self) -> str:
        """Page and line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def tokens_of(page: Path) -> list[Token]:
    """Return the page as parsed Markdown."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order; directives of the site are none."""
    found = []
    before = ""
    for token in tokens_of(page):
        if token.type == "fence" and not token.info.startswith("{"):
            mark = _COMMENT.fullmatch(before)
            assert token.map is not None
            found.append(
                Block(
                    page,
                    token.map[0] + 1,
                    token.info.strip(),
                    mark[1] if mark else "",
                    (mark[2] or "") if mark else "",
                    token.content,
                )
            )
        before = token.content.strip().splitlines()[-1] if token.type == "html_block" else ""
    return found


ALL_BLOCKS = [block for page in PAGES for block in blocks_of(page)]
