"""Jobs that fail on Slurm: retried, given more memory or time, cancelled; and GPUs."""

import re
import signal
from pathlib import Path

import pytest

from tests.cluster.conftest import Run, make_folder, start_snakemake
from tests.cluster.slurm import Cluster, wait_until
from tests.workflow.conftest import Outcome

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slurm")]


@pytest.fixture(scope="module")
def outcome(failing: Run) -> Outcome:
    """What Snakemake said when every failure was met once."""
    return failing.wait(400)


def attempts(run: Run, rule: str) -> list[str]:
    return (run.folder / f"{rule}.attempts").read_text().split()


def slurm_log(run: Run, rule: str) -> str:
    files = (run.folder / "logs" / "slurm" / f"rule_{rule}").rglob("*.log")
    return "".join(file.read_text() for file in files)


def test_job_that_fails_once_is_submitted_again(failing: Run, outcome: Outcome) -> None:
    assert (failing.folder / "fail_once.txt").exists(), outcome.text
    # Two Slurm jobs, not two tries inside one.
    assert len(set(attempts(failing, "fail_once"))) == 2


def test_job_that_always_fails_ends_the_run_but_not_the_others(
    failing: Run, outcome: Outcome
) -> None:
    assert len(set(attempts(failing, "fail_always"))) == 3
    assert outcome.code == 1
    assert "Error in rule fail_always" in outcome.text
    made = {path.name for path in failing.folder.glob("*.txt")}
    assert made == {
        *("fail_once.txt", "need_memory.txt", "need_time.txt"),
        *("ask_gpu_a.txt", "ask_gpu_b.txt"),
    }


def test_job_killed_for_memory_passes_with_more(failing: Run, outcome: Outcome) -> None:
    asked = [f"MinMemoryNode={megabytes}" for megabytes in (700, 1400)]
    assert attempts(failing, "need_memory") == asked, outcome.text
    assert (failing.folder / "need_memory.txt").read_text().strip() == str(900 << 20)
    assert re.search("oom|memory limit", slurm_log(failing, "need_memory"), re.I)


def test_job_that_runs_into_its_limit_passes_with_more(failing: Run, outcome: Outcome) -> None:
    assert attempts(failing, "need_time") == ["TimeLimit=00:01:00", "TimeLimit=00:02:00"]
    assert (failing.folder / "need_time.txt").exists(), outcome.text
    assert "DUE TO TIME LIMIT" in slurm_log(failing, "need_time")
    assert "SLURM status is: 'TIMEOUT'" in outcome.text


def test_each_job_has_a_gpu_of_its_own(failing: Run, outcome: Outcome) -> None:
    seen = {(failing.folder / f"ask_gpu_{name}.txt").read_text().strip() for name in "ab"}
    assert seen == {"0 n2", "1 n2"}, outcome.text


def test_interrupt_cancels_the_jobs(cluster: Cluster, tmp_path: Path) -> None:
    run = start_snakemake(make_folder(tmp_path / "folder"), "endless.txt")
    pid = run.folder / "endless.pid"
    wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), 120)
    run.process.send_signal(signal.SIGINT)
    outcome = run.wait(60)
    assert outcome.code == 1, outcome.text
    wait_until(lambda: not cluster.jobs_of(run.folder), 20)
    assert not Path("/proc", pid.read_text().strip()).exists()
    assert not (run.folder / "endless.txt").exists()
