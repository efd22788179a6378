"""Write the generated hospital in the layouts of MIMIC-IV and MIMIC-III."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.log import log_to
from fleximodal.sources.hospital import write_hospital

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
    write_hospital(Path(smk.output.truth).parent, **smk.params.settings)


if __name__ == "__main__":
    main(snakemake)
