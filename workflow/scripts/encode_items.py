"""Encode every item of one kind."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.cohorts.patients import fit_patients, read_patients
from fleximodal.encoders.run import encode
from fleximodal.io.gpu import claim_gpu
from fleximodal.io.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        claim_gpu(smk)
        folder, autoencoder = smk.params.folder, smk.input.get("autoencoder")
        patients = smk.input.get("patients")
        fitted = fit_patients(read_patients(Path(patients))).to_list() if patients else None
        encode(
            smk.wildcards.encoded,
            Path(smk.input.canonical[0]).parent,
            Path(smk.output.index).parent,
            settings=smk.params.settings,
            root=None if folder is None else Path(folder),
            fit_patients=fitted,
            autoencoder=Path(autoencoder).parent if autoencoder else None,
            state=Path(smk.params.state),
            threads=smk.threads,
        )


if __name__ == "__main__":
    main(snakemake)
