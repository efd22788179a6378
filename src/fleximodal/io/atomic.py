"""Write to a temporary name in the same folder, then rename."""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fleximodal.io.disk_full import named_if_full

_UMASK = os.umask(0)
os.umask(_UMASK)

# Folders whose files are noted as they are written, and those files; see `noted`.
_WATCHED: set[Path] = set()
_WRITTEN: set[Path] = set()


@contextmanager
def noted(folders: Iterable[Path]) -> Iterator[set[Path]]:
    """Yield a set that gathers the files written atomically at any depth of `folders`."""
    _WATCHED.update(folders)
    try:
        yield _WRITTEN
    finally:
        _WATCHED.clear()
        _WRITTEN.clear()


def _note(files: Iterable[Path]) -> None:
    _WRITTEN.update(file for file in files if not _WATCHED.isdisjoint(file.parents))


def _temporary(target: Path) -> Path:
    # The suffix stays last, because some writers choose the format by it.
    return target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")


def remove_leftovers(target: Path) -> None:
    """Remove what a killed process left half-written of `target`."""
    name = re.compile(rf"\.{re.escape(target.stem)}\.\d+\.part{re.escape(target.suffix)}")
    for path in target.parent.iterdir() if target.parent.is_dir() else ():
        if not name.fullmatch(path.name):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _share(file: Path) -> None:
    """Give a file the usual permissions; some writers make files that only their owner reads."""
    file.chmod(0o666 & ~_UMASK)


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it to `target` only if the block succeeds.

    Raises
    ------
    DiskFull
        If there is no space for the file.
    """
    target = Path(target)
    temporary = _temporary(target)
    try:
        with named_if_full(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _share(temporary)
            os.replace(temporary, target)
        _note([target])
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path | str) -> Iterator[Path]:
    """Like `atomic_path` for a folder: an existing `target` is replaced as a whole."""
    target = Path(target)
    temporary = _temporary(target)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with named_if_full(target):
            temporary.mkdir(parents=True)
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    _share(file)
            if target.exists():
                shutil.rmtree(target)
            os.replace(temporary, target)
        _note(file for file in target.rglob("*") if file.is_file())
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(target: Path | str, text: str) -> None:
    """Write `text` as UTF-8 with LF line ends, atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(target: Path | str, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(target, text + "\n")
