"""Read the raw files of ADNI and write its canonical tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.sources.adni.canonical import write_canonical
from fleximodal.sources.adni.preparation import Preparation

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk) as log:
        folder = Path(smk.params.folders["core"])
        log.info("%s: reading %s", smk.wildcards.source, folder)
        write_canonical(
            folder,
            Path(smk.output[0]).parent,
            source=smk.wildcards.source,
            preparation=Preparation(**smk.params.preparation),
        )


if __name__ == "__main__":
    main(snakemake)
