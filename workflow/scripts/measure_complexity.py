"""Measure parameters, operations and step time of the networks of a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.gpu import claim_gpu
from fleximodal.io.job import job
from fleximodal.training.complexity import measure_complexity
from fleximodal.training.stored import read_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claim_gpu(smk)
        given = smk.input
        cells = (
            read_cell(
                Path(run).parent,
                dataset=Path(dataset).parent,
                splits=Path(splits),
                scalers=Path(scalers),
            )
            for run, dataset, splits, scalers in zip(
                given.runs, given.datasets, given.splits, given.scalers, strict=True
            )
        )
        measure_complexity(cells, Path(smk.output.complexity), threads=smk.threads)


if __name__ == "__main__":
    main(snakemake)
