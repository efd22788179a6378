"""Compute a cell's metrics with intervals, and its curves."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.config.cell import Cell
from fleximodal.evaluation.evaluate import evaluate_cell
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        evaluate_cell(
            Path(smk.input.predictions),
            Path(smk.output.metrics).parent,
            cell={name: smk.wildcards[name] for name in Cell.__dataclass_fields__},
            replicates=smk.params.evaluation["bootstrap_replicates"],
            seed=smk.params.evaluation["bootstrap_seed"],
        )


if __name__ == "__main__":
    main(snakemake)
