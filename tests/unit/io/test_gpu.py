"""Jobs as real processes on a machine whose nvidia-smi is a stand-in."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleximodal.config.code import files_behind
from fleximodal.io.gpu import LOCKS, _lock
from tests.needs import need

ROOT = Path(__file__).resolve().parents[3]
PROFILE = ROOT / "profiles" / "gpus"
SCRIPTS = ROOT / "workflow" / "scripts"

JOB = """
import json, os, sys, time
from pathlib import Path
from types import SimpleNamespace
from fleximodal.io.gpu import claim_gpu
from fleximodal.io.log import log_to
log, seconds, resources = sys.argv[1], float(sys.argv[2]), json.loads(sys.argv[3])
log_to(log)
claim_gpu(SimpleNamespace(rule="train_cell", resources=resources))
start = time.time()
held = {"device": os.environ["CUDA_VISIBLE_DEVICES"], "start": start}
Path(log + ".claimed").write_text(json.dumps(held))
time.sleep(seconds)
Path(log + ".done").write_text(json.dumps({**held, "end": time.time()}))
"""
ONE = {"gpu": 1}
# Where "auto", "cpu" or "cuda" becomes a device; one script never leaves the choice.
DEVICE_CHOOSERS = {
    ROOT / "src" / "fleximodal" / "training" / "reproducible.py",
    ROOT / "src" / "fleximodal" / "encoders" / "compute.py",
}
ALWAYS_CPU = {"trace_autoencoder"}

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the environment of a machine with two GPUs that no other test knows."""
    name = f"GPU-{os.getpid()}-{time.time_ns():x}"
    programs = tmp_path / "bin"
    programs.mkdir()
    smi = programs / "nvidia-smi"
    smi.write_text(
        "#!/bin/sh\n"
        f"echo 'GPU 0: Stand-in (UUID: {name}a)'\n"
        f"echo 'GPU 1: Stand-in (UUID: {name}b)'\n"
    )
    smi.chmod(0o755)
    kept = {
        key: value
        for key, value in os.environ.items()
        if key != "CUDA_VISIBLE_DEVICES" and not key.startswith("SLURM")
    }
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    yield {**kept, "PYTHONPATH": str(ROOT / "src"), "PATH": path, "UUID": name}
    for lock in LOCKS.glob(f"fleximodal-gpu-{name}*"):
        lock.unlink()


@pytest.fixture
def start(tmp_path: Path, machine: dict[str, str]) -> Iterator[Start]:
    """Return a function that starts a job with some seconds of work and resources."""
    started: list[subprocess.Popen[str]] = []

    def begin(name: str, seconds: float, resources: Any = ONE, **more: str) -> Any:
        job = subprocess.Popen(
            [sys.executable, "-c", JOB, str(tmp_path / name), str(seconds), json.dumps(resources)],
            env={**machine, **more},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(job)
        return job

    yield begin
    for job in started:
        job.kill()
        job.communicate()


def finished(folder: Path, *jobs: subprocess.Popen[str]) -> list[dict[str, Any]]:
    for job in jobs:
        _, errors = job.communicate(timeout=60)
        assert job.returncode == 0, errors
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.done"))]


def claimed(file: Path) -> dict[str, Any]:
    """Wait for a job's claim and return it."""
    for _ in range(400):
        if file.exists() and file.read_text():
            return json.loads(file.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{file.name} has claimed nothing")


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["start"] < other["end"] and other["start"] < one["end"]


def check_alone(runs: list[dict[str, Any]], devices: set[str]) -> None:
    assert {run["device"] for run in runs} == devices
    together = [pair for pair in combinations(runs, 2) if overlap(*pair)]
    assert together, "the jobs ran one after another: nothing was tested"
    for one, other in together:
        assert one["device"] != other["device"]


def test_no_two_jobs_have_one_gpu_at_a_time(
    tmp_path: Path, machine: dict[str, str], start: Start
) -> None:
    """Jobs of workflows with temporary folders of their own."""
    folders = [tmp_path / f"tmp{number}" for number in range(4)]
    for folder in folders:
        folder.mkdir()
    jobs = [start(f"job{n}", 1, TMPDIR=str(folder)) for n, folder in enumerate(folders)]
    runs = finished(tmp_path, *jobs)
    assert len(runs) == 4
    check_alone(runs, {machine["UUID"] + "a", machine["UUID"] + "b"})
    texts = [log.read_text() for log in tmp_path.glob("job?")]
    assert all(re.search(r"GPU GPU [01]: Stand-in \(GPU-\S+\)", text) for text in texts)
    assert any("waiting: every GPU is in use" in text for text in texts)


def test_jobs_share_a_gpu_only_if_each_is_told_so(
    tmp_path: Path, machine: dict[str, str], start: Start
) -> None:
    first = {"CUDA_VISIBLE_DEVICES": "0"}
    sharing = {**ONE, "jobs_per_gpu": 2}
    jobs = [start(f"shared{number}", 1.5, sharing, **first) for number in range(3)]
    jobs.append(start("alone", 0.5, ONE, **first))
    finished(tmp_path, *jobs)
    runs = {file.stem: json.loads(file.read_text()) for file in tmp_path.glob("*.done")}
    alone = runs.pop("alone")
    assert {run["device"] for run in [alone, *runs.values()]} == {machine["UUID"] + "a"}
    assert not any(overlap(alone, run) for run in runs.values())
    together = [overlap(*pair) for pair in combinations(runs.values(), 2)]
    assert True in together and False in together


def test_sharing_jobs_take_every_gpu_once_before_any_twice(tmp_path: Path, start: Start) -> None:
    sharing = {**ONE, "jobs_per_gpu": 2}
    one, other = start("one", 20, sharing), start("other", 20, sharing)
    held = [claimed(tmp_path / f"{name}.claimed")["device"] for name in ("one", "other")]
    assert held[0] != held[1]
    one.kill(), other.kill()


def test_kill_frees_the_gpu(tmp_path: Path, start: Start) -> None:
    first = {"CUDA_VISIBLE_DEVICES": "0"}
    holder = start("holder", 600, **first)
    claimed(tmp_path / "holder.claimed")
    waiter = start("waiter", 0, **first)
    time.sleep(1)
    assert waiter.poll() is None, "the second job did not wait"
    holder.send_signal(signal.SIGKILL)
    (run,) = finished(tmp_path, waiter)
    assert run["device"] == claimed(tmp_path / "holder.claimed")["device"]


def test_lock_of_one_user_is_seen_by_another(machine: dict[str, str]) -> None:
    need(os.geteuid() == 0, "only root can act as two users")
    mask = os.umask(0o077)
    lock = _lock(machine["UUID"], fcntl.LOCK_EX)
    os.umask(mask)
    assert lock is not None
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            os._exit(0 if _lock(machine["UUID"], fcntl.LOCK_EX) is None else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(lock)


def test_what_slurm_granted_is_left_alone(tmp_path: Path, start: Start) -> None:
    granted = {"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "0"}
    runs = finished(tmp_path, *(start(f"job{number}", 1, **granted) for number in range(2)))
    assert [run["device"] for run in runs] == ["0", "0"]
    assert "GPU 0, granted by Slurm" in (tmp_path / "job0").read_text()


def test_jobs_within_one_grant_of_several_gpus_take_one_each(
    tmp_path: Path, machine: dict[str, str], start: Start
) -> None:
    granted = {"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "0,1"}
    runs = finished(tmp_path, *(start(f"job{number}", 1, **granted) for number in range(2)))
    check_alone(runs, {machine["UUID"] + "a", machine["UUID"] + "b"})


@pytest.mark.parametrize("visible", [None, "0,1"])
def test_a_job_that_asks_for_no_gpu_sees_none(
    tmp_path: Path, start: Start, visible: str | None
) -> None:
    more = {"CUDA_VISIBLE_DEVICES": visible} if visible else {}
    (run,) = finished(tmp_path, start("job", 0, {}, **more))
    assert run["device"] == ""
    assert "no GPU: none was asked for" in (tmp_path / "job").read_text()


@pytest.mark.parametrize("visible", ["", "-1", None])
def test_asking_for_a_gpu_where_there_is_none_is_one_sentence(
    tmp_path: Path, machine: dict[str, str], start: Start, visible: str | None
) -> None:
    more = {"CUDA_VISIBLE_DEVICES": visible}
    if visible is None:
        (tmp_path / "bin" / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
        more = {}
    job = start("job", 0, **more)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 1
    assert "rule train_cell asks for a GPU and finds none" in errors
    assert "Traceback" not in errors


def test_parts_of_a_split_gpu_are_devices(
    tmp_path: Path, machine: dict[str, str], start: Start
) -> None:
    name = machine["UUID"]
    (tmp_path / "bin" / "nvidia-smi").write_text(
        "#!/bin/sh\n"
        f"echo 'GPU 0: Stand-in (UUID: {name})'\n"
        f"echo '  MIG 3g.40gb     Device  0: (UUID: {name}m)'\n"
        f"echo '  MIG 3g.40gb     Device  1: (UUID: {name}n)'\n"
    )
    runs = finished(tmp_path, *(start(f"job{number}", 1) for number in range(2)))
    check_alone(runs, {f"{name}m", f"{name}n"})


@pytest.mark.slow
def test_the_profile_gives_each_job_of_a_workflow_its_own(
    tmp_path: Path, machine: dict[str, str]
) -> None:
    """Two workflows in two folders, three jobs each that ask for a GPU and one that does not."""
    script = (
        "import json, os, time\n"
        "from fleximodal.io.gpu import claim_gpu\n"
        "from fleximodal.io.log import log_to\n"
        "log_to(snakemake.log[0])\n"
        "claim_gpu(snakemake)\n"
        "held = {'device': os.environ['CUDA_VISIBLE_DEVICES'], 'start': time.time()}\n"
        "time.sleep(1)\n"
        "with open(snakemake.output[0], 'w') as file:\n"
        "    json.dump({**held, 'end': time.time()}, file)\n"
    )
    rule = (
        "rule {0}:\n    output: '{{method}}.{0}'\n    log: '{{method}}.{0}.log'\n"
        "    script: 's.py'\n"
    )
    workflows = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "s.py").write_text(script)
        rules = "".join(rule.format(name) for name in ("train_cell", "write_table"))
        targets = "expand('{method}.train_cell', method=range(3)), '0.write_table'"
        (folder / "Snakefile").write_text(f"rule all:\n    input: {targets}\n{rules}")
        command = ["-m", "snakemake", "--profile", str(PROFILE), "--resources", "gpu=2"]
        workflows.append(
            subprocess.Popen(
                [sys.executable, *command, "--cores", "6", "--directory", str(folder)]
                + ["--snakefile", str(folder / "Snakefile")],
                env=machine,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for workflow in workflows:
        _, errors = workflow.communicate(timeout=120)
        assert workflow.returncode == 0, errors
    runs = [json.loads(file.read_text()) for file in tmp_path.glob("*/?.train_cell")]
    assert len(runs) == 6
    check_alone(runs, {machine["UUID"] + "a", machine["UUID"] + "b"})
    others = [json.loads(file.read_text()) for file in tmp_path.glob("*/0.write_table")]
    assert [other["device"] for other in others] == ["", ""]


def test_profile_and_scripts_name_the_rules_that_choose_a_device() -> None:
    """A script that can reach a GPU claims one, and the profile asks for it."""
    scripts = {script.stem: script for script in SCRIPTS.glob("*.py")}
    reaching = {
        name
        for name, script in scripts.items()
        if name not in ALWAYS_CPU and not DEVICE_CHOOSERS.isdisjoint(files_behind(script))
    }
    claiming = {name for name, script in scripts.items() if "claim_gpu(smk)" in script.read_text()}
    settings = yaml.safe_load((PROFILE / "profile.v9+.yaml").read_text())["set-resources"]
    assert claiming == reaching
    assert set(settings) == reaching
    assert all("gpu" in resources for resources in settings.values())
