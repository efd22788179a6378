"""The examples of each page work, from the first to the last, as a reader would follow them."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pandas as pd
import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks_of
from tests.docs.test_blocks import is_shell
from tests.workflow.conftest import make_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("examples")]


def examples_of(page: Path) -> list[Block]:
    """Return what a reader of the page saves and runs; files alone are no example."""
    blocks = [
        block
        for block in blocks_of(page)
        if block.mark == "file"
        or (block.mark == "run" and is_shell(block))
        or (block.language == "python" and block.mark != "not run")
    ]
    return blocks if any(block.mark != "file" for block in blocks) else []


WITH_EXAMPLES = [page for page in PAGES if examples_of(page)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment of its own on top of this one: packages can be installed, offline."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "here.pth").write_text("\n".join(here) + "\n", encoding="utf-8")
    for program in ("pip", "snakemake"):
        script = folder / "bin" / program
        script.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m {program} "$@"\n')
        script.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name != "FLEXIMODAL_DATA"}
    return {
        **kept,
        "PATH": f"{folder / 'bin'}:{kept['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this as: no isolation, hence no download
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": "src",
        "OMP_NUM_THREADS": "1",
    }


def follow(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Save or run one block; a program that fails fails the test, with what it said."""
    if block.mark == "file":
        path = folder / block.words
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return
    shell = ["bash", "-euo", "pipefail", "-c", block.text]
    done = subprocess.run(
        ["python", "-c", block.text] if block.language == "python" else shell,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    said = (done.stdout + done.stderr)[-4000:]
    assert done.returncode == 0, f"{block.place} does not work:\n{block.text}\n{said}"


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_examples_work(page: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    blocks = examples_of(page)
    folder = tmp_path / "project"
    if any(is_shell(block) for block in blocks):
        make_project(folder)
    else:
        folder.mkdir()
        environment = {**environment, "PYTHONPATH": str(ROOT / "src")}
    for block in blocks:
        follow(block, folder, environment)
    if page.stem == "tutorial":
        assert_promises(folder)


def assert_promises(project: Path) -> None:
    """What the tutorial tells the reader to expect."""
    results = project / "results" / "first"
    table = pd.read_csv(results / "tables" / "first.csv")
    assert {"Concat", "Flex-MoE", "Perceptron"} <= set(table["method"])
    assert "(synthetic data)" in (results / "tables" / "first.md").read_text()
    compared = pd.read_csv(results / "tables" / "perceptron_against.csv")["verdict"]
    assert set(compared) <= {"reference", "higher", "lower", "no difference found"}
    assert len(compared) == 6
    written = (project / "../mymethod/mymethod/network.py").stat().st_mtime
    for method, trained_before in (("Concat", True), ("Flex-MoE", True), ("Perceptron", False)):
        (run,) = results.glob(f"runs/**/{method}/paper/run.json")
        assert (run.stat().st_mtime < written) == trained_before
    verdicts = set(pd.read_csv(results / "claims.csv")["verdict"])
    assert verdicts == {"not comparable: synthetic data", "not run: data absent"}


def test_a_broken_example_is_told(tmp_path: Path, environment: dict[str, str]) -> None:
    broken = Block(ROOT / "docs" / "page.md", 7, "bash", "run", "", "ls nowhere\necho done\n")
    with pytest.raises(AssertionError, match=r"docs/page\.md:7 does not work"):
        follow(broken, tmp_path, environment)
