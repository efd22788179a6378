"""Fetch the release from PhysioNet, or from any mirror of it, resumably and verified."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import sha256_of
from fleximodal.sources.physionet2012.files import SETS, read_container

BASE_URL = "https://physionet.org/files/challenge-2012/1.0.0/"

# Of an outcomes file the SHA-256 of its bytes; of a set the digest of its records
# (`files.RecordFiles.digest`), because mirrors pack the same records into different containers.
RELEASE_CHECKSUMS = {
    "Outcomes-a.txt": "2613ea60ccda29f87571a7d6b09ad130858a8ccd66325bd073365925026883c2",
    "Outcomes-b.txt": "1305f29734da374a809483229a99f33a9230aa8d4fa74b1a2d6ad788136423d5",
    "Outcomes-c.txt": "0b32dcb7753c0f18f2f5fde498a28618b8879c5e527ce0dae8ad120dd7e205c9",
    "set-a.tar.gz": "7cd4b1432ad39f55c009267513a3969bff86549db4157b6c1ab259df307f29c3",
    "set-b.tar.gz": "119e32fccc05528cc98553858308fca028ae6d0276e87abad4dadfaaf7b68d8e",
    "set-c.tar.gz": "b11a9aaaa959f0a1f8137134f94c069afce4909b2729839d00ff33f2a81f9e16",
}

_BLOCK = 4096  # small, because of a cut connection the block under way is lost
_TIMEOUT = 60.0


def download_release(
    base_url: str,
    folder: Path,
    *,
    sets: Sequence[str] = SETS,
    checksums: Mapping[str, str] = RELEASE_CHECKSUMS,
    attempts: int = 5,
    backoff: float = 1.0,
) -> None:
    """Fetch `set-x.tar.gz` and `Outcomes-x.txt` of each set into `folder`.

    A file that is there and verified is not fetched again. A cut transfer leaves `NAME.part`,
    which the next attempt, or the next call, continues by HTTP Range where the server can.

    Parameters
    ----------
    base_url
        Address of the folder that holds the files, `BASE_URL` for PhysioNet itself.
    folder
        Where the files go; made if absent.
    sets
        Which of the sets a, b, c to fetch.
    checksums
        Digest by file name; see `RELEASE_CHECKSUMS`.
    attempts, backoff
        Tries per file, and the seconds before the second one (doubled before each further one).

    Raises
    ------
    FleximodalError
        If the server refuses a file or cannot be reached, or if a fetched file is not the
        release's; the latter is removed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with requests.Session() as session:
        # Compression in transit would make byte ranges mean something else than the file's bytes.
        session.headers["Accept-Encoding"] = "identity"
        for name in [*(f"Outcomes-{s}.txt" for s in sets), *(f"set-{s}.tar.gz" for s in sets)]:
            target, expected = folder / name, checksums[name]
            if target.is_file() and _digest(target, name) == expected:
                continue
            part = folder / f"{name}.part"
            url = f"{base_url.rstrip('/')}/{name}"
            _fetch(session, url, part, attempts=attempts, backoff=backoff)
            found = _digest(part, name)
            if found != expected:
                part.unlink()
                raise FleximodalError(
                    f"{url} is not the file of the release (its content has SHA-256 {found}, "
                    f"expected {expected}); it was removed, try again or give another address."
                )
            part.replace(target)


def _digest(path: Path, name: str) -> str:
    if not name.endswith(".tar.gz"):
        return sha256_of(path)
    try:
        return read_container(path).digest()
    except FleximodalError:
        return "unreadable"


def _fetch(
    session: requests.Session, url: str, part: Path, *, attempts: int, backoff: float
) -> None:
    """Bring `part` to completion, continuing what is there."""
    problem = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(backoff * 2 ** (attempt - 1))
        try:
            status = _continue(session, url, part)
        except requests.RequestException as error:
            problem = str(error)
            continue
        if status < 400:
            return
        if status == requests.codes.requested_range_not_satisfiable:
            # The part reaches the end already, or is longer than the file: the checksum could not
            # tell a good tail from a bad one, so begin anew.
            part.unlink(missing_ok=True)
            problem = "the server refused to continue the download"
        elif status < 500 and status != requests.codes.too_many_requests:
            raise FleximodalError(
                f"The server answered {status} to {url}; check the base address of the download."
            )
        else:
            problem = f"the server answered {status}"
    raise FleximodalError(
        f"{url} could not be fetched in {attempts} attempts ({problem}); check the network and run "
        "again, what was fetched so far is kept."
    )


def _continue(session: requests.Session, url: str, part: Path) -> int:
    """Append to `part` what it lacks, or write it anew; return the HTTP status."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code >= 400:
            return answer.status_code
        continues = answer.status_code == requests.codes.partial_content
        with part.open("ab" if continues else "wb") as file:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
        return answer.status_code
