"""Links between the pages, and from them to files, lead somewhere on a plain view of the files."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it.token import Token

from tests.docs.pages import PAGES, ROOT, tokens_of

EXTERNAL = re.compile(r"[a-z]+:")


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a viewer of Markdown gives to the headings of a page."""
    tokens = tokens_of(page)
    found: set[str] = set()
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open":
            text = "".join(part.content for part in inline.children or () if part.content)
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            copies = sum(1 for name in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", name))
            found.add(f"{slug}-{copies}" if copies else slug)
    return found


def links_of(page: Path) -> Iterator[str]:
    """Yield the addresses of a page's links and pictures."""

    def inside(tokens: list[Token]) -> Iterator[str]:
        for token in tokens:
            address = token.attrGet("href") or token.attrGet("src")
            if address:
                yield str(address)
            yield from inside(token.children or [])

    yield from inside(tokens_of(page))


def dead_links(page: Path, kept: set[Path]) -> list[str]:
    """Return the links of a page to files that are not `kept`, or to headings that are not."""
    dead = []
    for address in links_of(page):
        if EXTERNAL.match(address):
            continue
        path, _, anchor = address.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        if target not in kept or (anchor and anchor not in anchors_of(target)):
            dead.append(address)
    return dead


@pytest.fixture(scope="module")
def kept() -> set[Path]:
    """Files that are in the repository or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:  # an unpacked archive: what is there is what was kept
        return {path.resolve() for path in ROOT.rglob("*") if path.is_file()}
    return {path for name in done.stdout.splitlines() if (path := ROOT / name).is_file()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_link_is_dead(page: Path, kept: set[Path]) -> None:
    assert dead_links(page, kept) == []


def test_dead_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading, `code` & more\n\n"
        "[here](#a-heading-code--more) [gone](#another) [file](no.md)\n"
    )
    assert dead_links(page, {page}) == ["#another", "no.md"]


def test_there_are_links() -> None:
    assert sum(1 for page in PAGES for _ in links_of(page)) > 50
