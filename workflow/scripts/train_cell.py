"""Train a method on every split and seed of a cell."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.gpu import claim_gpu
from fleximodal.io.job import job
from fleximodal.training.cell import train_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claim_gpu(smk)
        train_cell(
            smk.params.description,
            dataset=Path(smk.input.dataset).parent,
            splits=Path(smk.input.splits),
            scalers=Path(smk.input.scalers),
            output=Path(smk.output.predictions).parent,
            state=Path(smk.params.state),
            threads=smk.threads,
            code=smk.params.code,
        )


if __name__ == "__main__":
    main(snakemake)
