"""The download rule, against a server on loopback that serves the real release."""

from pathlib import Path

import pytest

from tests.unit.sources.range_server import Behaviour, serve
from tests.workflow.conftest import CONFIG, Project

pytestmark = pytest.mark.slow


def test_release_is_fetched_checked_and_found(project: Project, real_release: Path) -> None:
    behaviour = Behaviour(real_release, cut_after={"set-b.tar.gz": 1_000_000})
    with serve(behaviour) as address:
        sources = {**CONFIG["sources"], "physionet2012": {"base_address": address}}
        project.write({**CONFIG, "sources": sources, "data_folders": ["fetched"]})
        outcome = project.run("download_physionet2012")
        assert outcome.code == 0, outcome.text
    fetched = project.folder / "fetched" / "physionet-challenge-2012"
    for letter in "abc":
        for name in (f"set-{letter}.tar.gz", f"Outcomes-{letter}.txt"):
            assert (fetched / name).read_bytes() == (real_release / name).read_bytes()
    first, second = behaviour.asked_for("set-b.tar.gz")
    assert first is None
    assert second is not None, "the cut transfer was begun anew instead of being continued"
    jobs = project.jobs("results/canonical/physionet2012/stays.parquet")
    assert jobs == {"extract_physionet2012": 1}


def test_file_that_is_not_the_release_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "Outcomes-a.txt").write_text("not the release\n")
    with serve(Behaviour(tmp_path)) as address:
        sources = {**CONFIG["sources"], "physionet2012": {"base_address": address}}
        project.write({**CONFIG, "sources": sources, "data_folders": ["fetched"]})
        outcome = project.run("download_physionet2012", "--retries", "0")
    assert outcome.code != 0
    assert "is not the file of the release" in outcome.text
    assert "Traceback" not in outcome.text
    assert not list((project.folder / "fetched").rglob("manifest.json"))
