"""Write the page of discrepancies."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.report.discrepancies_page import write_discrepancies

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_discrepancies(
            smk.input.facts,
            smk.output.page,
            register=smk.input.register,
            comparisons=smk.input.get("comparisons", []),
        )


if __name__ == "__main__":
    main(snakemake)
