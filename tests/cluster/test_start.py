"""Where the test cluster is not started, and what a killed run of tests left behind."""

import os
from pathlib import Path

import pytest

from tests.cluster import slurm
from tests.needs import need


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder that is not the machine's, and nothing of a running cluster."""
    monkeypatch.setattr(slurm, "ETC", tmp_path)
    monkeypatch.setattr(slurm, "CGROUPS", tmp_path)
    monkeypatch.setattr(slurm.Cluster, "_cancel", lambda self: None)
    return tmp_path


def test_nobody_holds_an_empty_folder(etc: Path) -> None:
    assert slurm.held_by() is None


def test_cluster_of_the_machine_is_left_alone(etc: Path) -> None:
    (etc / "slurm.conf").write_text("ClusterName=theirs\n")
    assert "belongs to a cluster" in (slurm.held_by() or "")
    assert (etc / "slurm.conf").exists()


def test_cluster_of_other_tests_is_left_alone(etc: Path) -> None:
    (etc / "slurm.conf").write_text(f"{slurm.MARK} {os.getpid()} {etc / 'scratch'}\n")
    assert "running the test cluster" in (slurm.held_by() or "")
    assert (etc / "slurm.conf").exists()


def test_what_killed_tests_left_is_removed(etc: Path) -> None:
    scratch = etc / "scratch"
    (scratch / "run").mkdir(parents=True)
    # The number was given to another process since: to this one.
    (scratch / "run" / "slurmctld.pid").write_text(f"{os.getpid()}\n")
    gone = next(number for number in range(2, 4_000_000) if not Path(f"/proc/{number}").exists())
    (etc / "slurm.conf").write_text(f"{slurm.MARK} {gone} {scratch}\n")
    assert slurm.held_by() is None
    assert not (etc / "slurm.conf").exists()
    assert not scratch.exists()


def test_need_skips_and_fails_where_every_test_has_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    need(True, "nothing")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Slurm"):
        need(False, "no Slurm")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Slurm"):
        need(False, "no Slurm")
