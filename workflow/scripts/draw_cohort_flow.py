"""Draw how the stays of each task were chosen."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.log import log_to
from fleximodal.publishing.cohort_entries import cohort_entries
from fleximodal.publishing.cohort_flow import write_cohort_flow

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
    cohorts = [Path(file).parent for file in smk.input.flows]
    canonical = [Path(file).parent for file in smk.input.canonical]
    entries = cohort_entries(cohorts, canonical)
    write_cohort_flow(entries, Path(smk.output.png).parent, smk.params.note)


if __name__ == "__main__":
    main(snakemake)
