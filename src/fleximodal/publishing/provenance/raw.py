"""Raw files by name and checksum, without the names that tell of a patient."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleximodal.io.manifest import hash_of
from fleximodal.publishing.provenance.history import History, Job

# Names that publishers give to tables and archives; any other may tell of a patient.
_KINDS = "csv|txt|tar|bed|bim|fam|chain|npy"
_PUBLISHED = re.compile(rf"set-[abc]|[\w./-]*\.({_KINDS})(\.gz)?", re.ASCII)
# Record numbers of PhysioNet, identifiers of MIMIC, and the form 001_S_0001 of ADNI.
_OF_A_PATIENT = re.compile(r"\d{5}|\d{3}_S_\d{4}")


@dataclass(frozen=True)
class RawFile:
    """A raw file or folder by its name, or many under one description, with a SHA-256."""

    name: str
    sha256: str


def raw_files(job: Job, history: History, own: str) -> list[RawFile]:
    """Return what a job read that no job made, sorted by name.

    Parameters
    ----------
    job, history
        A job, and the history that it is part of.
    own
        Folder of the project's own declarations and published values, which are not raw data.

    Returns
    -------
    list of RawFile
        Files whose names may tell of a patient are one entry: their number, and a SHA-256 over
        their sorted checksums.
    """
    read = {path: sha for path, sha in job.inputs.items() if is_raw(path, history, own)}
    named = {_name(path, read): sha for path, sha in read.items()}
    shown = [RawFile(name, named[name]) for name in sorted(named) if is_published(name)]
    hidden = sorted(sha for name, sha in named.items() if not is_published(name))
    if hidden:
        shown.append(RawFile(f"{len(hidden)} files of single patients", hash_of(hidden)))
    return shown


def is_raw(path: str, history: History, own: str) -> bool:
    """Tell whether a file was made by no job and does not belong to the project."""
    return path not in history.makers and not Path(path).is_relative_to(own)


def is_published(name: str) -> bool:
    """Tell whether a name is one that a publisher gave to a table, an archive or a folder."""
    return _PUBLISHED.fullmatch(name) is not None and _OF_A_PATIENT.search(name) is None


def _name(path: str, others: Mapping[str, str]) -> str:
    name = Path(path).name
    unique = sum(Path(other).name == name for other in others) == 1
    return name if unique else f"{Path(path).parent.name}/{name}"
