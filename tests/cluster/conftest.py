"""The test cluster, started once; a run of failing jobs beside the others; how to reach both."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.slurm import PROGRAMS, Cluster, held_by
from tests.needs import need
from tests.workflow.conftest import ROOT, Outcome

# The shipped profile, with other moments at which a job is looked at: after 2, 14 and 36 seconds.
SLURM = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2"]
PROFILE: dict[str, Any] = yaml.safe_load(
    (ROOT / "profiles" / "slurm" / "profile.v9+.yaml").read_text()
)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster of two nodes, stopped and removed at the end."""
    need(os.geteuid() == 0, "a test cluster is started by root only")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    need(not missing, f"install slurm-wlm and munge: no {', '.join(missing)} on the path")
    holder = held_by()
    need(holder is None, f"Slurm is in use: {holder}")
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="fleximodal-slurm-")))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@dataclass(frozen=True)
class Run:
    """A Snakemake that was started in a folder, its words in a file beside it."""

    folder: Path
    process: subprocess.Popen[bytes]

    def wait(self, seconds: float) -> Outcome:
        code = self.process.wait(timeout=seconds)
        return Outcome(code, self.folder.with_suffix(".log").read_text())


def start_snakemake(folder: Path, *arguments: str) -> Run:
    """Start Snakemake on the cluster, with the profile as shipped."""
    with folder.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments, *SLURM],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Run(folder, process)


def make_folder(folder: Path) -> Path:
    """Return a folder with the Snakefile of failing jobs and the shipped profiles."""
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    shutil.copy(Path(__file__).parent / "failures.smk", folder / "Snakefile")
    return folder


@pytest.fixture(scope="session")
def failing(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run of jobs that fail, started early: most of it is waiting for a limit of a minute."""
    growing = PROFILE["set-resources"]["train_cell"]
    run = start_snakemake(
        make_folder(tmp_path_factory.mktemp("failing") / "folder"),
        "all",
        "--set-resources",
        # The profile's own expressions, with small numbers.
        f"need_memory:mem_mb={growing['mem_mb'].replace('6000', '700')}",
        f"need_time:runtime={growing['runtime'].replace('720', '1')}",
        "ask_gpu:gpu=1",
        "ask_gpu:slurm_partition=gpu",
    )
    yield run
    run.process.kill()
    run.process.wait()
