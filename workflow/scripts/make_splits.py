"""Divide a cohort into train, val and test."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.cohorts.splits import write_splits
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        given, patients = smk.input.get("five_random"), smk.input.get("patients")
        write_splits(
            Path(smk.input.cohort).parent,
            Path(smk.output.splits).parent,
            protocol=smk.params.protocol,
            five_random_file=Path(given) if given else None,
            patients=Path(patients) if patients else None,
        )


if __name__ == "__main__":
    main(snakemake)
