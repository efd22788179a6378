"""The files of a release: record files in a tar container or a folder, and their digest."""

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleximodal.errors import FleximodalError

SETS = ("a", "b", "c")

_RECORD_NAME = re.compile(r"(\d+)\.txt")


@dataclass(frozen=True)
class RecordFiles:
    """The record files of one set, by record id in ascending order."""

    path: Path
    contents: Mapping[int, bytes]

    def name(self, record: int) -> str:
        """Return how an error names one record file."""
        return f"{self.path}: {record}.txt"

    def digest(self) -> str:
        """Return a SHA-256 over ids and bytes of all records, whatever container held them."""
        digest = hashlib.sha256()
        for record, data in self.contents.items():
            digest.update(f"{record}.txt {len(data)}\n".encode())
            digest.update(data)
        return digest.hexdigest()


def check_release(release: Path, sets: Sequence[str]) -> None:
    """Raise a FleximodalError unless `release` is a folder holding every one of `sets`."""
    if not release.is_dir():
        raise FleximodalError(
            f"The release folder {release} does not exist; give the folder that holds "
            "set-a.tar.gz and Outcomes-a.txt."
        )
    missing = [name for name in sets if _container(release, name) is None]
    if missing:
        looked_for = ", ".join(f"set-{name}.tar.gz or set-{name}/" for name in missing)
        found = "none" if len(missing) == len(sets) else "only some"
        raise FleximodalError(
            f"{release} holds {found} of the sets {', '.join(sets)}: looked for {looked_for}; "
            "give the right folder or fetch the missing sets."
        )


def read_records(release: Path, name: str) -> RecordFiles:
    """Read all record files of set `name`; the tar container goes before an unpacked folder.

    Raises
    ------
    FleximodalError
        If the container is damaged or truncated, holds no record, or holds a record twice.
    """
    path = _container(release, name)
    if path is None:
        raise FleximodalError(f"{release} holds neither set-{name}.tar.gz nor set-{name}/.")
    return read_container(path)


def read_container(path: Path) -> RecordFiles:
    """Read all record files of one tar.gz file or folder; see `read_records`."""
    members = _folder_members(path) if path.is_dir() else _tar_members(path)
    contents: dict[int, bytes] = {}
    for file_name, data in members:
        match = _RECORD_NAME.fullmatch(file_name)
        if match is None:
            continue
        record = int(match[1])
        if record in contents:
            raise FleximodalError(f"{path} holds record {record} twice; remove one of the two.")
        contents[record] = data
    if not contents:
        raise FleximodalError(
            f"{path} holds no record file such as 132539.txt; unpack or fetch the set again."
        )
    return RecordFiles(path, dict(sorted(contents.items())))


def outcomes_path(release: Path, name: str) -> Path:
    """Return the path of the outcomes file of set `name`."""
    return release / f"Outcomes-{name}.txt"


def _container(release: Path, name: str) -> Path | None:
    tar, folder = release / f"set-{name}.tar.gz", release / f"set-{name}"
    if tar.is_file():
        return tar
    return folder if folder.is_dir() else None


def _folder_members(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.iterdir():
        if path.is_file():
            yield path.name, path.read_bytes()


def _tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        # A whole set is 31 MB unpacked; reading to the end also checks the CRC of the gzip stream.
        with gzip.open(path) as stream:
            unpacked = io.BytesIO(stream.read())
        with tarfile.open(fileobj=unpacked, mode="r:") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield Path(member.name).name, file.read()
    except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
        raise FleximodalError(
            f"{path} is truncated or damaged ({error}); remove it and fetch it again."
        ) from error
