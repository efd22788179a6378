"""Gather what the run can say of itself."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.report.facts import gather_facts

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        files = ("flows", "canonical", "leakage", "costs", "metrics")
        gather_facts(
            smk.output.facts,
            configuration=smk.params.configuration,
            absent=smk.params.absent,
            **{name: smk.input.get(name, []) for name in files},
        )


if __name__ == "__main__":
    main(snakemake)
