"""Train the ECG autoencoder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.cohorts.patients import fit_patients, read_patients
from fleximodal.encoders.run import train
from fleximodal.io.gpu import claim_gpu
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claim_gpu(smk)
        train(
            Path(smk.input.canonical[0]).parent,
            Path(smk.output.weights).parent,
            settings=smk.params.settings,
            state=Path(smk.params.state),
            root=Path(smk.params.folder),
            fit_patients=fit_patients(read_patients(Path(smk.input.patients))).to_list(),
            threads=smk.threads,
        )


if __name__ == "__main__":
    main(snakemake)
