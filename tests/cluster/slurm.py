"""A throw-away Slurm cluster: two nodes on loopback, all of it in one scratch folder.

Slurm reads its configuration from one compiled-in folder only (a job step forgets ``SLURM_CONF``),
so three files are written there and removed again. Everything else, munge's key and socket
included, is in the scratch folder.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ETC = Path("/etc/slurm")
MARK = "# Test cluster of fleximodal, removed when its tests end; process and folder:"
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "squeue", "scancel", "sinfo")
CGROUPS = Path("/sys/fs/cgroup")

# CPUs and memory are more than the machine has (config_overrides): they only decide what waits.
SLURM_CONF = """{mark} {process} {folder}
ClusterName=loop
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
SlurmctldPort=16817
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
{limits}
MpiDefault=none
MailProg=/bin/true
KillWait=2
MinJobAge=300
ReturnToService=2
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17001 CPUs=4 RealMemory=40000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port=17002 CPUs=4 RealMemory=40000 \
Gres=gpu:fake:2
PartitionName=short Nodes=n1,n2 Default=YES MaxTime=1440
PartitionName=gpu Nodes=n2 MaxTime=1440
"""
# The second devices of a machine that has none: any character device will do.
GRES_CONF = "NodeName=n2 Name=gpu Type=fake File=/dev/null,/dev/zero\n"
CGROUP_CONF = "CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\nConstrainSwapSpace=yes\n"

BY_CGROUP = """ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2"""
# Memory is looked at once a second, so a process that peaks for less may escape.
BY_POLLING = """ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill"""


def cgroups_work() -> bool:
    """Return whether groups of the version 1 controllers can be made here."""
    for controller in ("memory", "freezer"):
        group = CGROUPS / controller / f"fleximodal-{os.getpid()}"
        try:
            group.mkdir()
            usable = controller != "memory" or (group / "memory.limit_in_bytes").exists()
            group.rmdir()
        except OSError:
            return False
        if not usable:
            return False
    return True


def held_by() -> str | None:
    """Return who holds the configuration folder, or None if nobody does.

    What a killed test run left behind is stopped and removed first.
    """
    file = ETC / "slurm.conf"
    if not file.exists():
        return None
    first = file.read_text().splitlines()[0]
    if not first.startswith(MARK):
        return f"{file} is there: this machine belongs to a cluster"
    process, folder = first.removeprefix(MARK).split(maxsplit=1)
    if Path("/proc", process).exists():
        return f"process {process} is running the test cluster"
    Cluster(Path(folder)).stop()
    return None


@dataclass(frozen=True)
class Cluster:
    """Daemons and files of the cluster in `folder`."""

    folder: Path

    def start(self) -> None:
        """Write the configuration and start the daemons; return when both nodes are idle."""
        for name in ("state", "spool-n1", "spool-n2", "run", "log"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        by_cgroup = cgroups_work()
        ETC.mkdir(exist_ok=True)
        (ETC / "slurm.conf").write_text(
            SLURM_CONF.format(
                mark=MARK,
                process=os.getpid(),
                folder=self.folder,
                host=socket.gethostname().split(".")[0],
                limits=BY_CGROUP if by_cgroup else BY_POLLING,
            )
        )
        (ETC / "gres.conf").write_text(GRES_CONF)
        if by_cgroup:
            (ETC / "cgroup.conf").write_text(CGROUP_CONF)
        self._start_munge()
        run("slurmctld")
        for node in ("n1", "n2"):
            run("slurmd", "-N", node)
        wait_until(lambda: run("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * 3, 30)

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        places = {
            "key-file": key,
            "socket": self.folder / "munge.socket",
            "pid-file": self.folder / "run" / "munged.pid",
            "log-file": self.folder / "log" / "munged.log",
            "seed-file": self.folder / "munge.seed",
        }
        run("munged", *(f"--{option}={place}" for option, place in places.items()))

    def stop(self) -> None:
        """Cancel what runs, stop the daemons, remove every file and group that they made."""
        self._cancel()
        for name in ("slurmd-n1", "slurmd-n2", "slurmctld", "munged"):
            stop_process(self.folder / "run" / f"{name}.pid")
        for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
            (ETC / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        for top in CGROUPS.glob("*/slurm_n[12]"):
            for path, _, _ in os.walk(top, topdown=False):
                Path(path).rmdir()

    def _cancel(self) -> None:
        # What a killed test run left behind may have no daemon that answers.
        done = subprocess.run(["scancel", "-u", "root"], capture_output=True, timeout=30)
        if done.returncode == 0:
            wait_until(lambda: not self.jobs(), 30)

    def jobs(self) -> list[str]:
        """Return the working folder of each job that waits, runs or is ending."""
        return run("squeue", "-h", "-o", "%Z").splitlines()

    def jobs_of(self, folder: Path) -> int:
        """Return how many jobs were submitted from `folder` and are not over."""
        return self.jobs().count(str(folder))


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def stop_process(pid_file: Path) -> None:
    """End the daemon whose number is in `pid_file`, and wait until it is gone."""
    if not pid_file.exists():
        return
    process = Path("/proc", pid_file.read_text().strip())
    # A number may have been given anew since; the name tells.
    if not process.exists() or (process / "comm").read_text().strip() not in PROGRAMS:
        return
    os.kill(int(process.name), signal.SIGTERM)
    wait_until(lambda: not process.exists(), 20)


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Return as soon as `condition()` holds; fail when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)
