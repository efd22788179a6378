"""Write the page of costs."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.report.costs_page import write_costs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_costs(smk.input.facts, smk.output.page)


if __name__ == "__main__":
    main(snakemake)
