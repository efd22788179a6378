"""Seals: the SHA-256 of each output beside it, and its comparison before anyone reads it."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import write_json
from fleximodal.io.manifest import sha256_of

# Snakemake puts it into a folder after its job, to know the folder's age.
_NO_CONTENT = ".snakemake_timestamp"


@dataclass(frozen=True)
class Seal:
    """What an output was when its job ended.

    Attributes
    ----------
    sha256
        64 hexadecimal digits; of a folder see `digest_of`.
    bytes
        Size of the file, or of all files of the folder.
    job
        Path of the job's record, relative to the output's folder, with "/".
    """

    sha256: str
    bytes: int
    job: str


def seal_path(path: Path) -> Path:
    """Return the hidden file beside an output that seals it."""
    return path.with_name(f".{path.name}.seal.json")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder that of the listing of its files.

    The listing is what ``sha256sum`` prints for all files, sorted by path relative to the folder.
    """
    if not path.is_dir():
        return sha256_of(path)
    lines = [f"{sha256_of(path / name)}  {name}\n" for name in _names(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def seal(path: Path | str, job_record: Path | str) -> Seal:
    """Write the seal of an output that the job of `job_record` has finished, and return it."""
    path = Path(path)
    job = Path(os.path.relpath(job_record, path.parent)).as_posix()
    made = Seal(digest_of(path), _size(path), job)
    write_json(seal_path(path), asdict(made))
    return made


def read_seal(path: Path | str) -> Seal | None:
    """Return the seal of an output, None where it has none.

    Raises
    ------
    FleximodalError
        If the seal itself is damaged.
    """
    path = Path(path)
    file = seal_path(path)
    try:
        sealed = _parse(file.read_bytes())
    except FileNotFoundError:
        return None
    if sealed is None:
        raise FleximodalError(
            f"{file} is damaged, so nobody can tell whether {path} is; remove {path} and run "
            "snakemake again"
        )
    return sealed


def check(path: Path | str) -> Seal | None:
    """Compare an output with its seal and return the seal; what has none is left unchecked.

    Raises
    ------
    FleximodalError
        If the output or its seal was changed or damaged after its job.
    """
    path = Path(path)
    sealed = read_seal(path)
    if sealed is None:
        return None
    if not path.exists():
        told = "is gone"
    elif _size(path) != sealed.bytes or digest_of(path) != sealed.sha256:
        told = "is not what its job wrote"
    elif not (path.parent / sealed.job).is_file():
        told = f"is sealed by {seal_path(path).name}, which names no record of a job"
    else:
        return sealed
    remove = " and ".join(str(file) for file in dict.fromkeys((path, _first_output(path, sealed))))
    raise FleximodalError(
        f"{path} {told} (see {seal_path(path).name} beside it): a byte was changed, by hand or by "
        f"a damaged disk; remove {remove} and run snakemake again"
    )


def _parse(text: bytes) -> Seal | None:
    try:
        entries = json.loads(text)
    except ValueError:
        return None
    if not isinstance(entries, dict):
        return None
    types = {name: type(value) for name, value in entries.items()}
    return Seal(**entries) if types == {"sha256": str, "bytes": int, "job": str} else None


def _first_output(path: Path, sealed: Seal) -> Path:
    """Return what makes Snakemake run the job again: its first output, named by the record."""
    name = Path(sealed.job).name.removeprefix(".").removesuffix(".job.json")
    return Path(os.path.normpath(path.parent / Path(sealed.job).parent / name))


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != _NO_CONTENT)
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum((path / name).stat().st_size for name in _names(path))
