"""Draw the loss against the sample size."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.log import log_to
from fleximodal.publishing.theory_figure import write_convergence

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
    write_convergence(smk.input.slopes, smk.input.printed, Path(smk.output.png).parent)


if __name__ == "__main__":
    main(snakemake)
