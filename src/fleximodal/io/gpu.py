"""The GPU of a job: the one it was given, and no other.

CUDA shows every process every GPU of the machine, and programs take the first. Here a job sees
one GPU if it asked for one and none if it did not; two jobs see the same one only if both were
told to share. The agreement is one advisory lock per GPU. The kernel frees it when the process
ends, however it ends, and it counts for all workflows and users of the machine.
"""

import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fleximodal.errors import FleximodalError
from fleximodal.io.log import LOGGER

VARIABLE = "CUDA_VISIBLE_DEVICES"
# Not the job's own temporary folder: users and workflows may each have another.
LOCKS = Path("/tmp")
PAUSE_SECONDS = 0.5


def claim_gpu(smk: Any) -> None:
    """Let this process see its own GPU only, until it ends; call this before CUDA is used.

    The job's resource `gpu` says whether it has a GPU at all (0, or not given: none). With the
    resource `jobs_per_gpu` above 1 that many such jobs share one; a job without it shares with
    nobody. While all are in use the job waits. In a job of Slurm to which one GPU was granted
    nothing is changed.

    Parameters
    ----------
    smk
        The script's `snakemake` object.

    Raises
    ------
    FleximodalError
        If the job asks for a GPU and there is none.
    """
    given = os.environ.get(VARIABLE)
    if "SLURM_JOB_ID" in os.environ and given and "," not in given:
        LOGGER.info("GPU %s, granted by Slurm", given)
        return
    if int(smk.resources.get("gpu", 0)) < 1:
        os.environ[VARIABLE] = ""
        if given or (given is None and shutil.which("nvidia-smi")):
            LOGGER.info("no GPU: none was asked for (`--profile profiles/gpus` asks for one)")
        return
    machine = _devices_of_machine()
    devices = list(machine) if given is None else _chosen(given, machine)
    if not devices:
        raise FleximodalError(
            f"rule {smk.rule} asks for a GPU and finds none; look at `nvidia-smi -L` and at "
            f"{VARIABLE}, or run it without the resource gpu (profiles/gpus asks for it)"
        )
    device = _locked(devices, int(smk.resources.get("jobs_per_gpu", 1)))
    os.environ[VARIABLE] = device
    LOGGER.info("GPU %s", f"{machine[device]} ({device})" if device in machine else device)


def _devices_of_machine() -> dict[str, str]:
    """Return the name of each GPU by its UUID; a GPU that is split (MIG) by its parts."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=120
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    devices: dict[str, str] = {}
    gpu = uuid = ""
    for line in answer.stdout.splitlines():
        found = re.match(r"(\s*)(\w+ .+?)\s*\(UUID: (\S+)\)", line)
        if not found:
            continue
        if found[1]:
            # The parts stand below their GPU; the whole is then no device of its own.
            devices.pop(uuid, None)
            devices[found[3]] = f"{gpu}, {found[2]}"
        else:
            gpu, uuid = found[2], found[3]
            devices[uuid] = gpu
    return devices


def _chosen(given: str, machine: dict[str, str]) -> list[str]:
    """Return the devices that a value of CUDA_VISIBLE_DEVICES names, by UUID where it is known.

    Numbers are those that nvidia-smi shows; CUDA's own may be in another order.
    """
    devices = []
    for token in filter(None, map(str.strip, given.split(","))):
        if token == "-1":
            break
        whole = (
            uuid
            for uuid, name in machine.items()
            if uuid.startswith(token) or name.startswith(f"GPU {token}:")
        )
        devices.append(next(whole, token))
    return devices


def _locked(devices: list[str], sharing: int) -> str:
    """Lock one of `devices`, waiting for it if need be, and return it."""
    said = False
    while True:
        for device, slot in _attempts(devices, sharing):
            lock = _lock(device, fcntl.LOCK_EX if slot is None else fcntl.LOCK_SH)
            if lock is None:
                continue
            # Locks are kept by leaving them open.
            if slot is None or _lock(f"{device}.{slot}", fcntl.LOCK_EX) is not None:
                return device
            os.close(lock)
        if not said:
            LOGGER.info("waiting: every GPU is in use (%s)", ", ".join(devices))
            said = True
        time.sleep(PAUSE_SECONDS)


def _attempts(devices: list[str], sharing: int) -> Iterator[tuple[str, int | None]]:
    """Yield each device with no slot, or each slot of each: all devices once before any twice."""
    for slot in range(sharing) if sharing > 1 else [None]:
        for device in devices:
            yield device, slot


def _lock(name: str, kind: int) -> int | None:
    """Return an open file that holds the lock called `name`, None if others hold it."""
    path = LOCKS / f"fleximodal-gpu-{name.replace('/', '_')}.lock"
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        file = _create(path)
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    # Cleaners of temporary folders remove what has not been touched for long.
    os.utime(file)
    return file


def _create(path: Path) -> int:
    # Other users must be able to lock it, whatever this user's default is.
    mask = os.umask(0)
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    finally:
        os.umask(mask)
