"""Gather the claims about values and about the order of methods, each into one table."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.claims import collect_claims
from fleximodal.publishing.rankings import collect_rankings

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        collect_claims(smk.input.parts, smk.output.claims)
        collect_rankings(smk.input.rankings, smk.output.rankings)


if __name__ == "__main__":
    main(snakemake)
