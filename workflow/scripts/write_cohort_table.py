"""Write table 5, the sizes of the cohorts, as CSV, Markdown, LaTeX and HTML."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.cohort_entries import cohort_entries
from fleximodal.publishing.cohort_table import write_cohort_table
from fleximodal.publishing.own_declaration import load_own

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        cohorts = [Path(file).parent for file in smk.input.flows]
        canonical = [Path(file).parent for file in smk.input.canonical]
        write_cohort_table(
            load_own(smk.input.declaration).noted(smk.params.note),
            cohort_entries(cohorts, canonical),
            [(source, task) for source, task in smk.params.absent],
            smk.input.published,
            Path(smk.output.csv).parent,
            smk.output.claims,
        )


if __name__ == "__main__":
    main(snakemake)
