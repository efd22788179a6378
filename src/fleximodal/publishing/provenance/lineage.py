"""What a single result comes from, and the table that says it of every result."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleximodal.io.atomic import atomic_path
from fleximodal.io.manifest import hash_of
from fleximodal.publishing.provenance.history import History, Job
from fleximodal.publishing.provenance.raw import raw_files


@dataclass(frozen=True)
class Lineage:
    """The jobs behind one result, the last one first, and what they read from outside.

    Attributes
    ----------
    output
        Path of the result.
    jobs
        Every job behind it.
    raw
        Name and SHA-256 of each raw file, read or generated.
    generated, real
        Whether data that a job generated, and whether data from outside, went into it.
    """

    output: str
    jobs: Sequence[Job]
    raw: Sequence[tuple[str, str]]
    generated: bool
    real: bool

    @property
    def sources(self) -> list[str]:
        """The sources of patients, real or generated, in alphabetical order."""
        return sorted({job.wildcards["source"] for job in self.jobs if "source" in job.wildcards})

    @property
    def data(self) -> str:
        """What kind of data is in it, in one or two words."""
        if self.generated:
            return "synthetic and real" if self.real else "synthetic"
        return "real" if self.real else "no data"


def lineages(outputs: Iterable[str], history: History, own: str) -> list[Lineage]:
    """Return the lineage of each result; `own` as for `raw_files`."""
    ancestors = history.ancestors()
    read = {
        name: [(file.name, file.sha256) for file in raw_files(job, history, own)]
        for name, job in history.jobs.items()
    }
    # A job that reads nothing makes its data up: generated patients, simulations.
    made = {
        name: [] if job.inputs else sorted(job.outputs.items())
        for name, job in history.jobs.items()
    }
    found = []
    for output in sorted(outputs):
        last = history.makers[output]
        names = [last, *sorted(ancestors[last] - {last})]
        found.append(
            Lineage(
                output,
                [history.jobs[name] for name in names],
                sorted({file for name in names for file in (*read[name], *made[name])}),
                generated=any(made[name] for name in names),
                real=any(read[name] for name in names),
            )
        )
    return found


def write_sources(target: Path, found: Iterable[Lineage]) -> None:
    """Write one row per result: what it was made from, as counts and checksums (CSV)."""
    rows = [
        {
            "output": lineage.output,
            "sha256": lineage.jobs[0].outputs[lineage.output],
            "data": lineage.data,
            "sources": " ".join(lineage.sources),
            "rule": lineage.jobs[0].rule,
            "jobs": len(lineage.jobs),
            "runs": sum(job.rule == "train_cell" for job in lineage.jobs),
            "settings_sha256": hash_of(sorted(job.settings_sha256 for job in lineage.jobs)),
            "code_sha256": hash_of(sorted({str(job.code) for job in lineage.jobs})),
            "git_commits": " ".join(sorted({job.git_commit or "none" for job in lineage.jobs})),
            "raw_files": len(lineage.raw),
            "raw_sha256": hash_of(lineage.raw) if lineage.raw else "",
        }
        for lineage in found
    ]
    with atomic_path(target) as temporary:
        pl.DataFrame(rows).write_csv(temporary)
