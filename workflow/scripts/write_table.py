"""Write a declared table as CSV, Markdown, LaTeX and HTML."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.declaration import load_declaration
from fleximodal.publishing.entries import entries
from fleximodal.publishing.formats import write_table
from fleximodal.publishing.peers import read_peers
from fleximodal.publishing.table import build_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        declaration = load_declaration(smk.input.declaration, known_methods())
        declaration = declaration.noted(smk.params.note)
        cells = entries(
            declaration,
            leakage=smk.input.leakage,
            metrics=smk.input.metrics,
            cost=smk.input.costs,
        )
        peers = read_peers(smk.input.peers) if smk.input.get("peers") else None
        frame = build_table(declaration, cells, peers, smk.input.get("truth") or None)
        write_table(frame, declaration, Path(smk.output.csv).parent)


if __name__ == "__main__":
    main(snakemake)
