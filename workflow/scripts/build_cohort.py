"""Choose the stays of a task and label them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.cohorts.cohort import write_cohort
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_cohort(
            Path(smk.input.canonical[0]).parent,
            Path(smk.output.cohort).parent,
            source=smk.wildcards.source,
            task=smk.wildcards.task,
            settings=smk.params.settings,
            published=Path(smk.input.published),
        )


if __name__ == "__main__":
    main(snakemake)
