"""The built site: no warnings, no network, no dead link, every key, table and figure."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from fleximodal.config.schema import Config
from fleximodal.methods.registry import known_methods
from tests.docs.conftest import build_site
from tests.docs.pages import PAGES, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
PRINTED = {
    "FuseMoE": [
        *(f"table{n}" for n in range(1, 9)),
        *(f"figure3{panel}" for panel in "abcd"),
        "figure5",
    ],
    "Flex-MoE": [
        *(f"flexmoe_table{n}" for n in range(1, 11)),
        *(f"flexmoe_figure{n}" for n in (2, 4, 5, 6)),
    ],
}


class Page(HTMLParser):
    """A page's anchors, links, what it loads, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {value for key, value in attrs if key in ("id", "name") and value}
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        loaded = given.get(LOADED.get(tag, ""))
        if loaded:
            self.loads.append(loaded)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_page_is_there(pages: dict[Path, Page], site: Path) -> None:
    front = pages[site / "index.html"]
    names = {page.stem for page in PAGES if page.parent.name == "docs"} - {"index"}
    assert names <= {link.split(".html")[0] for link in front.links}


def test_nothing_is_loaded_from_the_network(pages: dict[Path, Page], site: Path) -> None:
    loaded = {address for page in pages.values() for address in page.loads}
    assert loaded
    assert [address for address in loaded if re.match(r"([a-z]+:)?//", address)] == []
    styles = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"url\(\s*['\"]?(?:https?:)?//[^)]*|@import[^;]*//[^;]*", styles) == []


def test_no_link_is_dead(pages: dict[Path, Page]) -> None:
    dead = []
    for path, page in pages.items():
        for address in page.links:
            if re.match(r"[a-z]+:|//", address):
                continue
            file, _, anchor = address.partition("#")
            target = (path.parent / unquote(file.split("?")[0])).resolve() if file else path
            known = pages[target].ids if target in pages else None
            if not target.is_file() or (anchor and known is not None and anchor not in known):
                dead.append(f"{path.name}: {address}")
    assert dead == []


def keys_of(schema: dict[str, Any], whole: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the path of every key of a JSON schema that has no keys below it."""
    for name, part in schema["properties"].items():
        several = part.get("additionalProperties")
        if isinstance(several, dict) and "$ref" in several:
            name, part = f"{name}.NAME", several
        if "$ref" in part:
            below = whole["$defs"][part["$ref"].rsplit("/", 1)[-1]]
            yield from keys_of(below, whole, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_every_key_is_on_the_site(pages: dict[Path, Page], site: Path) -> None:
    words = {word.strip() for word in pages[site / "configuration.html"].words}
    schema = Config.model_json_schema()
    keys = set(keys_of(schema, schema))
    assert {"training.epochs", "sources.adni.folder", "seeds"} <= keys
    assert keys - words == set()
    fields = {name for m in known_methods().values() for name in type(m.settings).model_fields}
    assert fields - words == set()
    assert {name for name in known_methods() if not any(name in word for word in words)} == set()


def test_every_printed_table_and_figure_is_on_the_site(pages: dict[Path, Page], site: Path) -> None:
    downloads = [link.rsplit("/", 1)[-1] for link in pages[site / "reproduced.html"].links]
    for names in PRINTED.values():
        for name in names:
            assert f"{name}.yaml" in downloads
    declared = {path.name for path in (ROOT / "config").glob("[tf]*s/*.yaml")}
    assert declared - set(downloads) == set()


def test_every_entry_of_the_register_is_on_the_site(pages: dict[Path, Page], site: Path) -> None:
    words = {word.strip() for word in pages[site / "discrepancies.html"].words}
    expected = {"K": 28, "B": 21, "H": 46, "E": 11, "S": 6}
    for letter, number in expected.items():
        assert {f"{letter}-{n}" for n in range(1, number + 1)} <= words


def test_a_stray_page_or_a_dead_link_stops_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(ROOT / "docs" / "_extensions", docs / "_extensions")
    shutil.copytree(ROOT / "docs" / "_static", docs / "_static")
    shutil.copy2(ROOT / "docs" / "conf.py", docs)
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "config").symlink_to(ROOT / "config")
    (docs / "index.md").write_text("# Index\n\n[nowhere](nowhere.md)\n", encoding="utf-8")
    (docs / "stray.md").write_text("# Stray\n", encoding="utf-8")
    done = build_site(docs, tmp_path / "site")
    assert done.returncode != 0
    assert "stray.md: WARNING: document isn't included in any toctree" in done.stderr
    assert "target not found: 'nowhere.md'" in done.stderr
