"""Write the generated hospital in the layouts of MIMIC-IV and MIMIC-III."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.sources.hospital import write_hospital

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_hospital(Path(smk.output.truth).parent, **smk.params.settings)


if __name__ == "__main__":
    main(snakemake)
