"""Draw a figure of the papers, and hold its published values against ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.figure_declaration import load_figure
from fleximodal.publishing.figure_inputs import read_inputs
from fleximodal.publishing.figures import write_paper_figure
from fleximodal.publishing.published_table import Rule

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        declaration = load_figure(
            smk.input.declaration, known_methods(), papers_data=smk.params.papers_data
        ).noted(smk.params.note)
        declaration = declaration.measured_on(smk.input.get("counts") or None)
        inputs = read_inputs(
            declaration,
            files=smk.input.results,
            whole=smk.input.whole or None,
            published=smk.input.get("published"),
        )
        write_paper_figure(
            declaration,
            inputs,
            Path(smk.output.png).parent,
            claims=smk.output.get("claims"),
            rule=Rule(smk.params.claims["margin"], smk.params.claims["level"]),
        )


if __name__ == "__main__":
    main(snakemake)
