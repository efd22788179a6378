"""Train a method on generated stays with a given number of modalities, and measure its cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.gpu import claim_gpu
from fleximodal.io.job import job
from fleximodal.training.many_modalities import scale_modalities

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claim_gpu(smk)
        output = Path(smk.output.many)
        scale_modalities(
            int(smk.wildcards.number),
            smk.wildcards.method,
            output,
            settings=smk.params.settings,
            many=smk.params.many,
            training=smk.params.training,
            state=output.parent / "state",
            threads=smk.threads,
        )


if __name__ == "__main__":
    main(snakemake)
