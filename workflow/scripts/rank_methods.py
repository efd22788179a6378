"""Hold the orders of methods that a table shows against the stored predictions."""

from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.entries import entries
from fleximodal.publishing.published_declaration import load_published
from fleximodal.publishing.published_values import read_printed
from fleximodal.publishing.rankings import write_rankings

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        table = load_published(smk.input.declaration, known_methods(), smk.params.papers_data)
        table = table.measured_on(smk.input.get("counts") or None)
        write_rankings(
            table,
            entries(table, predictions=smk.input.predictions),
            read_printed(smk.input.published, table),
            smk.output.rankings,
            level=smk.params.level,
            replicates=smk.params.evaluation["bootstrap_replicates"],
            seed=smk.params.evaluation["bootstrap_seed"],
        )


if __name__ == "__main__":
    main(snakemake)
