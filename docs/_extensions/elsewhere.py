"""Pages whose text stands elsewhere in the repository, and links that lead there.

On a plain view of the repository such a page is one sentence with a link; on the site it is the
text itself. Every link is written as the repository needs it and turned into one of the site.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "overview": DOCS.parent / "README.md",
    "configuration": DOCS.parent / "config" / "README.md",
}
_PAGES = {path: f"{page}.md" for page, path in ELSEWHERE.items()}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)[^)\s#]+")


def rebased(text: str, folder: Path) -> str:
    """Return Markdown with its relative links, written in `folder`, as a page of `docs` needs them.

    Links to a file that is a page of the site lead to the page.
    """

    def link(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / match[0]))
        return _PAGES.get(target) or os.path.relpath(target, DOCS)

    return _LINK.sub(link, text)


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    path = ELSEWHERE.get(page)
    if path is not None:
        app.env.note_dependency(str(path))
        source[0] = path.read_text(encoding="utf-8")
    source[0] = rebased(source[0], path.parent if path else DOCS)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
