"""Write a printed table of sizes and costs, measured beside printed, and its claims."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.complexity_declaration import load_complexity
from fleximodal.publishing.complexity_table import write_complexity_table
from fleximodal.publishing.entries import entries
from fleximodal.publishing.equivalence import Rule

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        known, data = known_methods(), smk.params.papers_data
        table = load_complexity(smk.input.declaration, known, data).noted(smk.params.note)
        table = table.measured_on(smk.input.get("counts") or None)
        write_complexity_table(
            table,
            entries(table, metrics=smk.input.metrics),
            smk.input.get("complexity") or None,
            smk.input.published,
            Rule(**smk.params.claims),
            Path(smk.output.csv).parent,
            smk.output.claims,
        )


if __name__ == "__main__":
    main(snakemake)
