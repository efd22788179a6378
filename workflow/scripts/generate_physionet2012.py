"""Write the generated cohort in the layout of PhysioNet 2012."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.sources.synthetic2012 import write_synthetic_release

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_synthetic_release(Path(smk.output[0]).parent, **smk.params.settings)


if __name__ == "__main__":
    main(snakemake)
