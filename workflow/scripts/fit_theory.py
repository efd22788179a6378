"""Simulate one configuration of the theory under one gate."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.theory.simulate import simulate

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        simulate(
            smk.params.settings,
            Path(smk.output.slopes).parent,
            configuration=smk.wildcards.configuration,
            gate=smk.wildcards.gate,
            threads=smk.threads,
        )


if __name__ == "__main__":
    main(snakemake)
