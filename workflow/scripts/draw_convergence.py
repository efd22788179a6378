"""Draw the loss against the sample size."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.theory_figure import write_convergence

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_convergence(smk.input.slopes, smk.input.printed, Path(smk.output.png).parent)


if __name__ == "__main__":
    main(snakemake)
