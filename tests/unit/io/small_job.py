"""A job as a script sees it, without a graph around it."""

from dataclasses import dataclass, field
from pathlib import Path

from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, Wildcards


@dataclass
class SmallJob:
    """Snakemake's object of a script, with what `fleximodal.io.job` takes from it."""

    input: InputFiles
    output: OutputFiles
    log: Log
    params: Params
    wildcards: Wildcards = field(default_factory=lambda: Wildcards(fromdict={"source": "small"}))
    rule: str = "copy_numbers"
    threads: int = 2


def small_job(folder: Path, inputs: dict[str, Path], outputs: dict[str, Path]) -> SmallJob:
    return SmallJob(
        InputFiles(fromdict={name: str(path) for name, path in inputs.items()}),
        OutputFiles(fromdict={name: str(path) for name, path in outputs.items()}),
        Log(toclone=[str(folder / "logs" / "job.log")]),
        Params(fromdict={"code": "abc", "settings": {"seed": 1}, "no_json": {1, 2}}),
    )
