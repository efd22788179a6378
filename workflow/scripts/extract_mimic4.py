"""Read MIMIC-IV and write its canonical tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.sources.mimic4.canonical import write_canonical
from fleximodal.sources.mimic4.folders import Mimic4Folders

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        folders = {module: Path(folder) for module, folder in smk.params.folders.items()}
        write_canonical(
            Mimic4Folders(**folders),
            Path(smk.output[0]).parent,
            source=smk.wildcards.source,
            channels=smk.params.channels,
            **smk.params.events,
        )


if __name__ == "__main__":
    main(snakemake)
