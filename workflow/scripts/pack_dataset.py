"""Pack the observations and encoded items of a cohort's stays."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.dataset.pack import pack_dataset
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        pack_dataset(
            Path(smk.input.canonical[0]).parent,
            Path(smk.input.cohort).parent,
            Path(smk.output.dataset).parent,
            source=smk.wildcards.source,
            task=smk.wildcards.task,
            encoders=Path(smk.params.encoders),
        )


if __name__ == "__main__":
    main(snakemake)
