"""Compute the metrics of a figure's cells under each condition."""

from typing import TYPE_CHECKING, Any

from fleximodal.evaluation.conditions import evaluate_conditions
from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.entries import cells_with
from fleximodal.publishing.figure_declaration import load_figure

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        declaration = load_figure(
            smk.input.declaration, known_methods(), papers_data=smk.params.papers_data
        )
        evaluate_conditions(
            cells_with(declaration, smk.input.predictions),
            smk.output.conditions,
            replicates=smk.params.evaluation["bootstrap_replicates"],
            seed=smk.params.evaluation["bootstrap_seed"],
        )


if __name__ == "__main__":
    main(snakemake)
