"""Write a table that a paper printed, measured beside printed, and its claims."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.claims import write_claims
from fleximodal.publishing.entries import entries
from fleximodal.publishing.equivalence import Rule
from fleximodal.publishing.formats import write_page
from fleximodal.publishing.published_declaration import load_published
from fleximodal.publishing.published_page import published_page
from fleximodal.publishing.published_table import build_published, published_claims
from fleximodal.publishing.published_values import read_printed

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        known, data = known_methods(), smk.params.papers_data
        table = load_published(smk.input.declaration, known, data).noted(smk.params.note)
        table = table.measured_on(smk.input.get("counts") or None)
        printed = read_printed(smk.input.published, table)
        rule = Rule(**smk.params.claims)
        frame = build_published(table, entries(table, metrics=smk.input.metrics), printed, rule)
        write_page(frame, published_page(frame, table, rule), Path(smk.output.csv).parent)
        write_claims(published_claims(table, frame), smk.output.claims)


if __name__ == "__main__":
    main(snakemake)
