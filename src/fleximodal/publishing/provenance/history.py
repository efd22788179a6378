"""The jobs behind a set of results, read back from the records that the jobs left."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from fleximodal.errors import FleximodalError
from fleximodal.io.job_record import read_job_record
from fleximodal.io.manifest import hash_of
from fleximodal.io.seal import check, read_seal


@dataclass(frozen=True)
class Job:
    """One job as its record describes it; files by path, with their SHA-256."""

    rule: str
    wildcards: Mapping[str, str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    params: Mapping[str, Any]
    code: str | None
    version: str
    git_commit: str | None
    environment: Mapping[str, Any]
    started: str
    seconds: float
    threads: int

    @property
    def name(self) -> str:
        """The first of the outputs in alphabetical order, which no other job has."""
        return min(self.outputs)

    @cached_property
    def settings_sha256(self) -> str:
        """SHA-256 of the rule, its wildcards and its parameters."""
        return hash_of([self.rule, self.wildcards, self.params])

    @property
    def ended(self) -> str:
        """The time at which the job ended, ISO 8601 with milliseconds."""
        end = datetime.fromisoformat(self.started) + timedelta(seconds=self.seconds)
        return end.isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class History:
    """Jobs by name, each after those it read from; the job that made a file; files' sizes."""

    jobs: dict[str, Job] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def before(self, job: Job) -> list[str]:
        """Return the names of the jobs whose files a job read, sorted."""
        return sorted({self.makers[path] for path in job.inputs if path in self.makers})

    def ancestors(self) -> dict[str, frozenset[str]]:
        """Return for each job its own name and those of all jobs that it follows from."""
        found: dict[str, frozenset[str]] = {}
        for name, job in self.jobs.items():
            found[name] = frozenset([name]).union(*(found[other] for other in self.before(job)))
        return found


def read_history(outputs: Iterable[str], results: str) -> History:
    """Return every job behind `outputs`, and verify the files on the way.

    Parameters
    ----------
    outputs
        Paths of results, as Snakemake gives them.
    results
        The folder of results: what lies in it was made by a job and must have a record.

    Raises
    ------
    FleximodalError
        If a file differs from what its job wrote, was made from another version of a file than
        the one that is there, or has no record of the job that made it.
    """
    reader = _Reader(Path(results))
    for output in sorted(outputs):
        reader.visit(output)
    if reader.unrecorded:
        raise FleximodalError(_without_record(sorted(reader.unrecorded)))
    return reader.history


class _Reader:
    def __init__(self, results: Path) -> None:
        self.results = results
        self.history = History()
        self.unrecorded: set[str] = set()

    def visit(self, path: str) -> None:
        """Add the job that made a file, and those before it; a file of no job is left alone."""
        if path in self.history.makers:
            return
        record = read_job_record(path)
        if record is None:
            if Path(path).is_relative_to(self.results):
                self.unrecorded.add(path)
            return
        job = Job(**{item.name: record[item.name] for item in fields(Job)})
        for output in job.outputs:
            self._verify(output, job)
        for source, checksum in sorted(job.inputs.items()):
            self.visit(source)
            self._compare(path, source, checksum)
        self.history.jobs[job.name] = job

    def _verify(self, output: str, job: Job) -> None:
        # An intermediate may have been removed to save space; its record still tells of it.
        sealed = check(output) if Path(output).exists() else read_seal(output)
        if sealed is None or sealed.sha256 != job.outputs[output]:
            raise FleximodalError(
                f"{output} does not fit the record of the job that made it; "
                f"remove {job.name} and run snakemake again"
            )
        self.history.makers[output] = job.name
        self.history.sizes[output] = sealed.bytes

    def _compare(self, path: str, source: str, checksum: str) -> None:
        maker = self.history.makers.get(source)
        if maker is not None and checksum != self.history.jobs[maker].outputs[source]:
            raise FleximodalError(
                f"{path} was made from another version of {source} than the one that is there; "
                f"remove {path} and run snakemake again"
            )


def _without_record(paths: Sequence[str]) -> str:
    others = len(paths) - 3
    names = ", ".join(paths[:3]) + (f" and {others} other files" if others > 0 else "")
    verb = "has" if len(paths) == 1 else "have"
    return (
        f"{names} {verb} no record of the job that made it, being older than such records; "
        "remove it and run snakemake again"
    )
