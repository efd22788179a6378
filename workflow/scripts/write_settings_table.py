"""Write table 6, hyperparameters printed and used, as CSV, Markdown, LaTeX and HTML."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.own_declaration import load_own
from fleximodal.publishing.settings_table import Used, write_settings_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        table = load_own(smk.input.declaration).noted(smk.params.note)
        used = Used(**smk.params.used)
        write_settings_table(table, smk.input.published, used, Path(smk.output.csv).parent)


if __name__ == "__main__":
    main(snakemake)
