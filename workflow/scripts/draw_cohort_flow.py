"""Draw how the stays of each task were chosen."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.cohort_entries import cohort_entries
from fleximodal.publishing.cohort_flow import write_cohort_flow

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        cohorts = [Path(file).parent for file in smk.input.flows]
        canonical = [Path(file).parent for file in smk.input.canonical]
        entries = cohort_entries(cohorts, canonical)
        write_cohort_flow(entries, Path(smk.output.png).parent, smk.params.note)


if __name__ == "__main__":
    main(snakemake)
