"""Train the ECG autoencoder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.cohorts.patients import fit_patients, read_patients
from fleximodal.encoders.run import train
from fleximodal.io.log import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
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
