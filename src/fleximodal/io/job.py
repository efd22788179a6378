"""The door of every job: a log, inputs that are what they were, sealed and recorded outputs."""

import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleximodal.io.atomic import noted, remove_leftovers
from fleximodal.io.disk_full import named_if_full
from fleximodal.io.job_record import files_beside, record_path, write_job_record
from fleximodal.io.log import log_to
from fleximodal.io.manifest import hashed_once
from fleximodal.io.seal import check, seal, seal_path


@contextmanager
def job(smk: Any) -> Iterator[logging.Logger]:
    """Run the block as the job of a rule; yield its log.

    Before it, the log is opened, inputs are compared with their seals, and what an earlier attempt
    left of the outputs is removed. After it, a record of the job is written and every file that it
    wrote into the folders of its outputs is sealed. After an error nothing is.

    Parameters
    ----------
    smk
        Snakemake's object of the script.

    Raises
    ------
    FleximodalError
        If an input was changed or damaged since its job, or a disk is full.
    """
    started, began = datetime.now(UTC), time.perf_counter()
    outputs = [Path(path) for path in smk.output]
    folders = {path.parent for path in outputs}
    with named_if_full(outputs[0].parent), hashed_once():
        log = log_to(smk.log[0])
        check_inputs(smk.input)
        for output in outputs:
            _clear(output)
        with noted(folders) as written:
            yield log
            beside = _beside(written, outputs)
        record = write_job_record(smk, beside, started=started, seconds=time.perf_counter() - began)
        for path in (*outputs, *beside):
            seal(path, record)


def check_inputs(inputs: Iterable[str]) -> None:
    """Compare inputs, and what their jobs wrote beside them, with their seals.

    Raises
    ------
    FleximodalError
        If one of them, a seal or the record of a job was changed or damaged.
    """
    seen: set[Path] = set()
    for path in map(Path, map(os.path.normpath, inputs)):
        for file in (path, *files_beside(path)):
            # A folder beside an input is an input of its own where it is read.
            if file == path or not file.is_dir():
                _check_once(file, seen)


def _check_once(file: Path, seen: set[Path]) -> None:
    if file not in seen:
        seen.add(file)
        check(file)


def _clear(output: Path) -> None:
    """Remove what would be taken for part of the new output: seals and half-written files."""
    for target in (output, output.parent):
        remove_leftovers(target)
    for path in (seal_path(output), record_path(output)):
        path.unlink(missing_ok=True)


def _beside(written: Iterable[Path], outputs: Iterable[Path]) -> list[Path]:
    """Return files that are still there and no output, nor in a folder that is one."""
    declared = set(outputs)
    return sorted(
        path
        for path in written
        if path not in declared and declared.isdisjoint(path.parents) and path.is_file()
    )
