"""Fetch PhysioNet 2012."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.io.manifest import write_manifest
from fleximodal.sources.physionet2012.download import download_release

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk) as log:
        folder = Path(smk.output[0]).parent
        download_release(smk.params.base_address, folder)
        write_manifest(
            folder,
            "download_physionet2012",
            inputs=sorted(path for path in folder.iterdir() if path.suffix in (".gz", ".txt")),
            settings={"base_address": smk.params.base_address},
        )
        log.info("PhysioNet 2012 is in %s and verified", folder)


if __name__ == "__main__":
    main(snakemake)
