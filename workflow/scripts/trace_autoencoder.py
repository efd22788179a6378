"""Trace the layers of the ECG autoencoder and measure what it makes of unseen ECGs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.encoders.autoencoder_trace import trace_autoencoder
from fleximodal.evaluation.names import is_synthetic
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        trace_autoencoder(
            Path(smk.input.canonical[0]).parent,
            Path(smk.input.weights).parent,
            Path(smk.params.folder),
            Path(smk.output.traced),
            generated=is_synthetic(smk.wildcards.source),
            threads=smk.threads,
        )


if __name__ == "__main__":
    main(snakemake)
