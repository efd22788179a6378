"""Write the table of trained models under missing data."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.figure_declaration import load_figure
from fleximodal.publishing.figure_inputs import read_inputs
from fleximodal.publishing.robustness_table import write_robustness

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        declaration = load_figure(
            smk.input.declaration, known_methods(), papers_data=smk.params.papers_data
        ).noted(smk.params.note)
        inputs = read_inputs(declaration, whole=smk.input.conditions)
        write_robustness(declaration, inputs, Path(smk.output.csv).parent)


if __name__ == "__main__":
    main(snakemake)
