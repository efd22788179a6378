"""Write table 1, what methods can do, as CSV, Markdown, LaTeX and HTML."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.methods_table import write_methods_table
from fleximodal.publishing.own_declaration import load_own

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        table = load_own(smk.input.declaration)
        write_methods_table(table, smk.input.published, Path(smk.output.csv).parent)


if __name__ == "__main__":
    main(snakemake)
