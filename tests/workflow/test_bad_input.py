"""Bad input stops the graph with one sentence, and leaves nothing half written."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fleximodal.sources.synthetic2012 import write_synthetic_release
from tests.workflow.conftest import CONFIG, TABLE, Project

pytestmark = pytest.mark.slow


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release folder in the real layout, to damage."""
    folder = tmp_path / "release"
    write_synthetic_release(folder, stays_per_set=60, seed=3)
    return folder


def error_of(text: str) -> str:
    """Return the one line of the output that a user would read."""
    lines = [line for line in text.splitlines() if "ERROR:" in line]
    assert lines, text
    return lines[0]


def point_at(project: Project, folder: Path) -> None:
    sources = {**CONFIG["sources"], "physionet2012": {"folder": str(folder)}}
    project.write({**CONFIG, "sources": sources}, tiny={**TABLE, "source": "physionet2012"})


def rewrite_record(release: Path, change: Callable[[str], str]) -> str:
    """Pass the first record of set a through `change`; return the record's name."""
    archive = release / "set-a.tar.gz"
    with tarfile.open(archive) as tar:
        members = [(m, tar.extractfile(m).read() if m.isfile() else b"") for m in tar]  # type: ignore[union-attr]
    first = next(m.name for m, _ in members if m.name.endswith(".txt"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, content in members:
            if member.name == first:
                content = change(content.decode()).encode()
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    archive.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    return Path(first).name


def truncated_archive(release: Path) -> str:
    file = release / "set-b.tar.gz"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return "set-b.tar.gz"


def value_that_is_no_number(release: Path) -> str:
    return rewrite_record(release, lambda text: text + "01:00,HR,fast\n")


def outcomes_without_a_record(release: Path) -> str:
    file = release / "Outcomes-c.txt"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], *lines[2:]]))
    return lines[1].split(",")[0]


def outcomes_without_a_column(release: Path) -> str:
    file = release / "Outcomes-a.txt"
    file.write_text(file.read_text().replace("In-hospital_death", "death"))
    return "In-hospital_death"


@pytest.mark.parametrize(
    "damage",
    [
        truncated_archive,
        value_that_is_no_number,
        outcomes_without_a_record,
        outcomes_without_a_column,
    ],
    ids=lambda damage: damage.__name__,
)
def test_damaged_release(project: Project, release: Path, damage: Callable[[Path], str]) -> None:
    named = damage(release)
    point_at(project, release)
    outcome = project.run("all")
    assert outcome.code != 0
    assert named in error_of(outcome.text)
    assert "Traceback" not in outcome.text
    canonical = project.folder / "results" / "canonical"
    assert not [path for path in canonical.rglob("*") if path.is_file()]


def test_folder_without_a_release(project: Project, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    point_at(project, empty)
    outcome = project.run("all")
    assert outcome.code != 0
    assert f"{empty} has no Outcomes-a.txt" in outcome.text
    assert "Traceback" not in outcome.text


def test_folder_that_does_not_exist(project: Project, tmp_path: Path) -> None:
    point_at(project, tmp_path / "nowhere")
    outcome = project.run("all")
    assert outcome.code != 0
    assert "nowhere is not a folder" in outcome.text
    assert "Traceback" not in outcome.text


def test_mistyped_key(project: Project) -> None:
    project.write({**CONFIG, "trainig": {"epochs": 3}})
    outcome = project.run("all")
    assert outcome.code != 0
    assert "unknown key 'trainig'; did you mean 'training'?" in outcome.text
    assert "Traceback" not in outcome.text


def test_unknown_method_in_a_table(project: Project) -> None:
    project.write(CONFIG, tiny={**TABLE, "methods": ["FuseMoE-Laplce"]})
    outcome = project.run("all")
    assert outcome.code != 0
    assert "tiny.yaml" in outcome.text
    assert "'FuseMoE-Laplce'; did you mean 'FuseMoE-Laplace'?" in outcome.text
    assert "Traceback" not in outcome.text


def test_table_that_is_not_declared(project: Project) -> None:
    project.write({**CONFIG, "tables": ["table99"]})
    outcome = project.run("all")
    assert outcome.code != 0
    assert "there is no config/tables/table99.yaml" in outcome.text
