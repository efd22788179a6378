"""Ways to hurt a run, and what has to be left: kills, small disks, read-only folders."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import psutil

from fleximodal.publishing.views import COST_TITLE
from tests.workflow.conftest import Project

SNAKEMAKE = (sys.executable, "-m", "snakemake")
OPTIONS = ("--cores", "2", "--configfile", "config/test.yaml")
# Snakemake runs a script through a copy whose name ends in that of the script, which is the rule's.
SCRIPT = re.compile(r"/\.snakemake/scripts/tmp\w+\.(\w+)\.py")
# What is allowed to differ between two runs: what they took, and what an unfinished one kept.
UNLIKE = ("benchmarks", "state")
MEASURED = ("train_seconds", "peak_memory_mb")
TEMPORARY = ".part"


@dataclass(frozen=True)
class Started:
    """A run of the graph in the background, with all of its jobs in one group of processes."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def jobs(self, rules: Collection[str] = ()) -> dict[psutil.Process, str]:
        """Return the scripts that are running now, each with its rule; only those of `rules`."""
        found = {}
        for process in self._below():
            with contextlib.suppress(psutil.NoSuchProcess):
                for rule in SCRIPT.findall(" ".join(process.cmdline())):
                    if not rules or rule in rules:
                        found[process] = rule
        return found

    def wait_for(self, rules: Collection[str]) -> dict[psutil.Process, str]:
        """Wait until a script of one of `rules` runs; return it, or nothing if the run ends."""
        while not self.ended:
            if found := self.jobs(rules):
                return found
            time.sleep(0.1)
        return {}

    def send(self, number: signal.Signals) -> None:
        """Send a signal to Snakemake and to all of its jobs at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> set[str]:
        """Kill everything at once, wait until it is dead, and return the rules that were hit."""
        # What stands still cannot end before it was looked at.
        self.send(signal.SIGSTOP)
        processes, hit = self._below(), set(self.jobs().values())
        self.send(signal.SIGKILL)
        self.process.wait()
        while any(map(lives, processes)):
            time.sleep(0.01)
        return hit

    def _below(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def lives(process: psutil.Process) -> bool:
    """Return whether a process is there and no zombie, which is dead but not asked for."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start(project: Project, *arguments: str) -> Started:
    """Start the graph of `project` and return at once."""
    output = project.folder / "output.txt"
    environment = {k: v for k, v in os.environ.items() if k != "FLEXIMODAL_DATA"}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*SNAKEMAKE, *arguments, *OPTIONS],
            cwd=project.folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Started(process, output)


def finished_files(results: Path) -> Iterator[Path]:
    """Yield, relative to `results`, the files with final names that are alike in every run."""
    for folder, inner, names in os.walk(results):
        inner[:] = [name for name in inner if not name.startswith(".")]
        if Path(folder) == results:
            inner[:] = [name for name in inner if name not in UNLIKE]
        for name in names:
            if not name.startswith(".") and name != "cost.json":
                yield Path(folder, name).relative_to(results)


def digests(results: Path) -> dict[str, str]:
    """Return the SHA-256 of each of `finished_files` by its path, of tables without their costs."""
    return {str(path): _sha256(_alike(results / path)) for path in finished_files(results)}


def _alike(file: Path) -> bytes:
    """Return what is in a file, of a table without the time and memory that its rows took."""
    if file.parent.name != "tables":
        return file.read_bytes()
    if file.suffix == ".csv":
        table = pl.read_csv(file, infer_schema=False)
        return table.drop(MEASURED, strict=False).write_csv().encode()
    return file.read_bytes().split(COST_TITLE.encode())[0]


def temporaries(results: Path) -> list[str]:
    """Return half-written files and folders, relative to `results`."""
    return sorted(
        str(path.relative_to(results)) for path in results.rglob(".*") if TEMPORARY in path.name
    )


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the SHA-256 and the time of change of every file below `folder`."""
    return {
        str(path.relative_to(folder)): (_sha256(path.read_bytes()), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def own_mounts() -> tuple[str, ...]:
    """Return the start of a command that may mount file systems which only it sees.

    Empty where this is allowed neither as root nor in a user's own namespace.
    """
    trial = ("sh", "-c", "mount -t tmpfs tmpfs /mnt")
    if shutil.which("unshare"):
        for begin in (("unshare", "--mount"), ("unshare", "--map-root-user", "--mount")):
            if subprocess.run([*begin, *trial], capture_output=True, check=False).returncode == 0:
                return begin
    return ()


def run_mounted(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in `folder` with mounts of its own; `arguments` are its $1, $2 and so on.

    What it mounts is gone when it ends.
    """
    environment = {k: v for k, v in os.environ.items() if k != "FLEXIMODAL_DATA"}
    return subprocess.run(
        [*own_mounts(), "sh", "-euc", script, "sh", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
