"""What reruns after which edit: every row of the tables in docs/reruns.md, and no other rule."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.conftest import CONFIG, ROOT, TABLE, Project

# One worker runs them all, so that the graph is run once for them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("graph")]

RELEASE = "results/canonical/physionet2012/stays.parquet"
SETTLED: dict[str, Any] = {
    **CONFIG,
    "tables": ["tiny", "table1"],
    "sources": {**CONFIG["sources"], "physionet2012": {"folder": "raw"}},
}
PAGE = (ROOT / "docs" / "reruns.md").read_text(encoding="utf-8")
Edit = Callable[[Project], None]


@pytest.fixture(scope="module")
def settled(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished project with table 1 and a release of its own; tests must not change it."""
    project = Project(tmp_path_factory.mktemp("settled") / "project")
    shutil.copytree(finished.folder, project.folder, symlinks=True)
    generated = project.folder / "results" / "raw" / "synthetic-physionet2012"
    shutil.copytree(generated, project.folder / "raw")
    project.write(SETTLED, tiny=TABLE)
    outcome = project.run("all", RELEASE)
    assert outcome.code == 0, outcome.text
    return project


@pytest.fixture
def edited(settled: Project, tmp_path: Path) -> Project:
    """A copy of the settled project, to edit; its files keep their times."""
    shutil.copytree(settled.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def configure(**changes: Any) -> Edit:
    return lambda project: project.write({**SETTLED, **changes})


def declare(**changes: Any) -> Edit:
    return lambda project: project.write(SETTLED, tiny={**TABLE, **changes})


def append(name: str, text: str) -> Edit:
    def edit(project: Project) -> None:
        file = project.folder / name
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")

    return edit


def replace(name: str, old: str, new: str) -> Edit:
    def edit(project: Project) -> None:
        file = project.folder / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    return edit


def delete(pattern: str) -> Edit:
    return lambda project: next(iter(project.folder.glob(pattern))).unlink()


def older(name: str) -> Edit:
    """Put a longer file in the place of one, with a time before every result's."""

    def edit(project: Project) -> None:
        append(name, "\n")(project)
        os.utime(project.folder / name, (1e9, 1e9))

    return edit


LINE = "\nEDITED = 1\n"
PACKAGE = "src/fleximodal"
EDITS: dict[str, Edit] = {
    "a hyperparameter of one method": configure(
        methods={**CONFIG["methods"], "Concat": {"dropout": 0.2}}
    ),
    "a setting of all training": configure(training={**CONFIG["training"], "epochs": 2}),
    "one seed more": configure(seeds=[1, 2]),
    "a setting of the evaluation": configure(evaluation={"bootstrap_replicates": 30}),
    "a line of a network": append(f"{PACKAGE}/models/mtand.py", LINE),
    "a line of the trees": append(f"{PACKAGE}/training/haim_grid.py", LINE),
    "a line of the evaluation": append(f"{PACKAGE}/evaluation/bootstrap.py", LINE),
    "a line of a script": append("workflow/scripts/train_cell.py", LINE),
    "a method added to a table": declare(methods=[*TABLE["methods"], "MulT"]),
    "a metric added to a table": declare(metrics=[*TABLE["metrics"], "f1"]),
    "a title, caption or comment of a table's declaration": append(
        "config/tables/tiny.yaml", "\n# a comment\n"
    ),
    "a published value": replace("config/published/fusemoe_table1.csv", "yes", "no"),
    "a raw file with other content": replace("raw/Outcomes-a.txt", ",0\n", ",1\n"),
    "a raw file replaced by one of another size and an older time": older("raw/Outcomes-a.txt"),
    "one table deleted": delete("results/tables/tiny.csv"),
}


def new_times(project: Project) -> None:
    for part in ("Snakefile", "rules", "workflow", "config", "envs", "profiles", "src", "raw"):
        for path in [project.folder / part, *(project.folder / part).rglob("*")]:
            path.touch()


def nothing(project: Project) -> None:
    """What these rows say is done to the copy as a whole, or on the command line."""


NO_EFFECT: dict[str, Edit] = {
    "a comment, a docstring or the layout of Python code": replace(
        f"{PACKAGE}/models/mtand.py", '"""\n\nimport', ' Other words."""\n\n\n# Words.\nimport'
    ),
    "a comment or the order of keys in a configuration": lambda project: (
        project.folder / "config" / "test.yaml"
    ).write_text("# Words.\n" + yaml.safe_dump(dict(reversed(SETTLED.items())), sort_keys=False)),
    "a description or message in the schema of the configuration": replace(
        f"{PACKAGE}/config/training.py", "stays per optimiser step", "other words"
    ),
    "a setting of a method that no table names": replace(
        "config/test.yaml", "methods:\n", "methods:\n  MulT: {dropout: 0.3}\n"
    ),
    "a line of a network that no table names": append(f"{PACKAGE}/models/mmformer.py", LINE),
    "a method registered by another package": nothing,
    "a file of values that no table shows": append("config/published/fusemoe_table7.csv", "\n"),
    "an intermediate file deleted": delete("results/metrics/**/Concat/**/metrics.json"),
    "a caption of the report": append("workflow/report/table.rst", "\nOther words.\n"),
    "a profile": append("profiles/default/profile.v9+.yaml", "\nkeep-going: true\n"),
    "the number of threads of a training": append("config/test.yaml", "\nthreads: 2\n"),
    "an environment": replace("envs/models.yaml", "python=3.11", "python=3.11.9"),
    "`--use-conda` where the results were made without it": nothing,
    "new time stamps of the raw files, the code and the configuration": new_times,
    "the project folder copied": nothing,
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading of the page."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def key_of(row: list[str], edits: dict[str, Edit]) -> str:
    """Return the edit that a row of the page is about: it says it first, then details."""
    (key,) = [key for key in edits if re.match(rf"{re.escape(key)}( \(|,|$)", row[0])]
    return key


RERUNNING = rows("Edits that rerun something")


@pytest.mark.parametrize("row", RERUNNING, ids=[row[0] for row in RERUNNING])
def test_edit_reruns_what_the_page_says(edited: Project, row: list[str]) -> None:
    said = {rule: int(jobs) for rule, jobs in re.findall(r"`(\w+)` \((\d+)\)", row[1])}
    EDITS[key_of(row, EDITS)](edited)
    found = edited.jobs("all", RELEASE)
    found.pop("all", None)
    assert found == said


def test_edits_without_effect_rerun_nothing(
    settled: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once: one that reruns something shows."""
    project = Project(tmp_path / "another name")
    # Without the times of the files, as `cp -r` does it.
    shutil.copytree(settled.folder, project.folder, copy_function=shutil.copyfile, symlinks=True)
    keys = [key_of(row, NO_EFFECT) for row in rows("Edits that rerun nothing")]
    assert sorted(keys) == sorted(NO_EFFECT)
    for key in keys:
        NO_EFFECT[key](project)
    register_another_method(tmp_path / "packages")
    pretend_conda(tmp_path / "bin")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    assert project.jobs("all", RELEASE, "--use-conda") == {}
    assert (tmp_path / "bin" / "asked").exists()
    project.write(SETTLED, tiny={**TABLE, "methods": [*TABLE["methods"], "Somebodys"]})
    assert project.jobs("all")["train_cell"] == 1


def register_another_method(folder: Path) -> None:
    """Install a package that registers a method, as far as Python looks for one."""
    about = folder / "somebodys-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: somebodys\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[fleximodal.methods]\nmine = somebodys:METHOD\n")
    (folder / "somebodys.py").write_text(
        "from fleximodal.methods.registry import Method\n"
        "from fleximodal.methods.settings import ConcatSettings\n"
        "METHOD = Method('Somebodys', ConcatSettings(), 'Concat again.')\n"
    )


CONDA = """#!/bin/sh
touch "$(dirname "$0")/asked"
case "$*" in
  *--version*) echo conda 25.1.0 ;;
  *info*) echo '{"conda_prefix": "/nowhere", "platform": "linux-64"}' ;;
  *) echo '{"get": {"channel_priority": "strict"}}' ;;
esac
"""


def pretend_conda(folder: Path) -> None:
    """Put a program on the path that answers what a dry run asks of conda."""
    folder.mkdir()
    (folder / "conda").write_text(CONDA)
    (folder / "conda").chmod(0o755)


def test_every_edit_is_on_the_page() -> None:
    assert sorted(key_of(row, EDITS) for row in RERUNNING) == sorted(EDITS)


def test_every_rule_depends_on_the_code_behind_its_script() -> None:
    blocks = [
        block
        for file in sorted((ROOT / "rules").glob("*.smk"))
        for block in re.split(r"^(?=rule )", file.read_text(encoding="utf-8"), flags=re.M)
        if re.search(r"^    script:", block, re.M)
    ]
    assert len(blocks) > 30
    for block in blocks:
        (script,) = re.findall(r'script:\s+"\.\./workflow/scripts/(\w+)\.py"', block)
        (given,) = re.findall(r"^        code=(.*)", block.split("    params:\n")[1], re.M)
        helpers = {"training_code": "train_cell", "scoring_code": "predict_conditions"}
        named = re.findall(r'code\("(\w+)"', given) or [helpers[given.rstrip(",")]]
        assert named == [script], block.splitlines()[0]


def test_copy_of_large_files_without_their_times_is_mended_by_touch(edited: Project) -> None:
    """Files count as large here from 10 bytes on, above 1 MB in a real run."""
    (edited.folder / "results" / "canonical" / "synthetic-physionet2012" / "events.parquet").touch()
    large = ["--max-checksum-file-size", "10B"]
    assert "pack_dataset" in edited.jobs("all", *large)
    assert edited.run("all", "--touch", *large).code == 0
    assert edited.jobs("all", *large) == {}


def test_scheduler_does_not_look_again_while_nothing_has_ended(project: Project) -> None:
    """Looks that add up take most of a core after some hundred jobs."""
    names = ("physionet2012", "hospital", "adni")
    raw = [f"results/raw/synthetic-{name}/truth.json" for name in names]
    outcome = project.run(*raw, "--verbose")
    assert outcome.code == 0, outcome.text
    assert "Ready jobs: 3" in outcome.text
    assert "Selected jobs: 0" not in outcome.text
