"""Read a release of PhysioNet 2012 and write its canonical tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.sources.physionet2012.canonical import write_canonical

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk) as log:
        release, output = Path(smk.input.release[0]).parent, Path(smk.output[0]).parent
        log.info("%s: reading the release in %s", smk.wildcards.source, release)
        write_canonical(release, output, source=smk.wildcards.source)


if __name__ == "__main__":
    main(snakemake)
