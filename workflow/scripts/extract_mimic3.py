"""Read MIMIC-III and write its canonical tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.sources.mimic3.canonical import write_canonical

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_canonical(
            Path(smk.params.folders["core"]),
            Path(smk.output[0]).parent,
            source=smk.wildcards.source,
            **smk.params.events,
        )


if __name__ == "__main__":
    main(snakemake)
