"""What made a folder of results: rule, version, settings, inputs, row counts."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from fleximodal import __version__
from fleximodal.io.atomic import write_json

# Hashes of files that do not change while a job runs; None where nothing is remembered.
_KNOWN: dict[tuple[str, int, int, int], str] | None = None


@contextmanager
def hashed_once() -> Iterator[None]:
    """Hash each file once only within the block, unless its size, time or place has changed."""
    global _KNOWN
    _KNOWN = {}
    try:
        yield
    finally:
        _KNOWN = None


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file, read in blocks, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        if _KNOWN is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        state = os.fstat(file.fileno())
        key = (os.path.abspath(path), state.st_size, state.st_mtime_ns, state.st_ino)
        if key not in _KNOWN:
            _KNOWN[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return _KNOWN[key]


def hash_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-serialisable value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def git_commit() -> str | None:
    """Return the commit of the checkout that holds this package, None where there is no git."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def write_manifest(
    folder: Path | str,
    rule: str,
    *,
    inputs: Sequence[Path | str] = (),
    rows: Mapping[str, int] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write `manifest.json` into `folder`.

    Parameters
    ----------
    folder
        The folder of results that is described.
    rule
        Name of the Snakemake rule, or of the function, that made the folder.
    inputs
        Files that were read; each is listed by name with its SHA-256, those of equal name with
        their folder's name before it.
    rows
        Number of rows (or items) per output file.
    settings
        The part of the configuration that shaped the result.
    """
    settings = dict(settings or {})
    write_json(
        Path(folder) / "manifest.json",
        {
            "rule": rule,
            "package": "fleximodal",
            "version": __version__,
            "git_commit": git_commit(),
            "settings": settings,
            "settings_sha256": hash_of(settings),
            "inputs": {_name(path, inputs): sha256_of(path) for path in sorted(map(str, inputs))},
            "rows": dict(rows or {}),
        },
    )


def _name(path: Path | str, others: Sequence[Path | str]) -> str:
    path = Path(path)
    unique = sum(Path(other).name == path.name for other in others) == 1
    return path.name if unique else f"{path.parent.name}/{path.name}"
