"""Every fenced block of the documentation is run, checked, or says why it is not."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.figure_declaration import load_figure
from tests.docs.commands import commands_of, configuration, problem_of
from tests.docs.pages import ALL_BLOCKS, PAGES, Block, blocks_of

SHELL = ("bash", "sh", "console", "shell")
CHECKED = ("snakemake", "make")  # what they name must exist even where they are not run
LOOK_LIKE_SHELL = ("snakemake ", "make ", "python ", "pip ", "git ")
# Methods that pages show how to write; naming them is right without having them here.
OWN_METHODS = ("Perceptron", "Late")


def is_shell(block: Block) -> bool:
    """Tell whether a block is of commands; without a language, whether a line looks like one."""
    lines = block.text.splitlines()
    return block.language in SHELL or (
        not block.language and any(line.startswith(LOOK_LIKE_SHELL) for line in lines)
    )


def problems_of(page: Path, folder: Path) -> Iterator[str]:
    """Yield what is wrong with the blocks of a page; `folder` is for files they have saved."""
    blocks = blocks_of(page)
    saved = {block.words: block.text for block in blocks if block.mark == "file"}
    for block in blocks:
        if block.mark == "not run" and not block.words:
            yield f"{block.place}: 'not run' needs a reason"
        elif is_shell(block) and block.mark != "run":
            for words in commands_of(block.text):
                excused = block.mark == "not run" and words[0] not in CHECKED
                problem = None if excused else problem_of(words, saved)
                if problem:
                    yield f"{block.place}: {' '.join(words)}: {problem}"
        elif block.mark in ("run", "not run"):
            continue
        elif block.language in ("yaml", "yml"):
            yield from _problems_of_yaml(block, folder)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language not in ("python", "", "text"):
            yield f"{block.place}: nothing checks a block of {block.language!r}; mark it"


def _problems_of_yaml(block: Block, folder: Path) -> Iterator[str]:
    """Check YAML as what it is: a declaration if it has a title, else a configuration."""
    values = yaml.safe_load(block.text)
    known = [*known_methods(), *OWN_METHODS]
    try:
        if "title" not in values:
            configuration(block.text)
            return
        path = folder / Path(block.words or "example.yaml").name
        path.write_text(block.text, encoding="utf-8")
        if "figures" in block.words:
            load_figure(path, known, papers_data="generated")
        else:
            load_table(path, known, "generated")
    except FleximodalError as error:
        yield f"{block.place}: {error}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_are_run_or_checked(page: Path, tmp_path: Path) -> None:
    assert list(problems_of(page, tmp_path)) == []


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    page = Path(__file__).with_name("faulty.md")
    found = list(problems_of(page, tmp_path))
    expected = [
        "there is no config/nowhere.yaml",
        "snakemake does not take these arguments",
        "not in results/mimic/",
        "tabel4 is not declared",
        "no target 'everything'",
        "there is no profiles/none",
        "'rm' works",
        "needs a reason",
        "there is no config/gone.yaml",
        "epoch",
        "metrics",
        "nothing checks a block of 'r'",
    ]
    assert len(found) == len(expected), found
    for words, problem in zip(expected, found, strict=True):
        assert words in problem


def test_there_are_examples_of_each_kind() -> None:
    counts = Counter(block.mark for block in ALL_BLOCKS)
    assert counts["run"] >= 5
    assert counts["file"] >= 6
    assert sum(block.language == "python" for block in ALL_BLOCKS) >= 4
