"""Write the page of claims."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.report.claims_page import write_claims_page

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claims, rankings = smk.input.get("claims") or (None, None)
        write_claims_page(smk.input.facts, smk.output.page, claims=claims, rankings=rankings)


if __name__ == "__main__":
    main(snakemake)
