"""Divide all patients of a source into train, val and test."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.cohorts.patients import write_patients
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_patients(
            Path(smk.input.canonical[0]).parent,
            Path(smk.output.patients).parent,
            protocol=smk.params.protocol,
        )


if __name__ == "__main__":
    main(snakemake)
