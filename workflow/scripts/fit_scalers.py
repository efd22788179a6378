"""Fit one scaler per split on its training stays, and check that it is so."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.dataset.scaler import write_dataset_scalers
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_dataset_scalers(
            Path(smk.input.dataset).parent, Path(smk.input.splits), Path(smk.output.scalers)
        )


if __name__ == "__main__":
    main(snakemake)
