"""Trace the routing and the bank of a cell's models."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.gpu import claim_gpu
from fleximodal.io.job import job
from fleximodal.training.flex_trace import trace_cell
from fleximodal.training.stored import read_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claim_gpu(smk)
        stored = read_cell(
            Path(smk.input.run).parent,
            dataset=Path(smk.input.dataset).parent,
            splits=Path(smk.input.splits),
            scalers=Path(smk.input.scalers),
        )
        trace_cell(stored, Path(smk.output.trace), threads=smk.threads)


if __name__ == "__main__":
    main(snakemake)
