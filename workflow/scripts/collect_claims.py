"""Gather the claims table from its parts."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.log import log_to
from fleximodal.publishing.claims import collect_claims

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
    collect_claims(smk.input.parts, smk.output.claims)


if __name__ == "__main__":
    main(snakemake)
