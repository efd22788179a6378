"""Fill a reporting checklist."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.report.checklist import write_checklist

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_checklist(smk.input.declaration, smk.input.facts, smk.output.page)


if __name__ == "__main__":
    main(snakemake)
