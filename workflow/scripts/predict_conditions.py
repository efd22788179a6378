"""Score a cell's test part with its trained models while data are missing."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.gpu import claim_gpu
from fleximodal.io.job import job
from fleximodal.training.conditions import conditions_of, one_out
from fleximodal.training.robustness import predict_conditions

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

CONDITIONS = {"every": conditions_of, "one-out": one_out}


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claim_gpu(smk)
        predict_conditions(
            Path(smk.input.run).parent,
            Path(smk.output.predictions).parent,
            CONDITIONS[smk.params.conditions](smk.wildcards.modalities),
            dataset=Path(smk.input.dataset).parent,
            splits=Path(smk.input.splits),
            scalers=Path(smk.input.scalers),
            threads=smk.threads,
        )


if __name__ == "__main__":
    main(snakemake)
