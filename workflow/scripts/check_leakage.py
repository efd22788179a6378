"""Pass every gate against leakage."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.dataset.gates import check_dataset
from fleximodal.io.job import job
from fleximodal.io.seal import check

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        fitted, notes = smk.input.get("autoencoder"), smk.params.notes
        if notes:
            # One of a source's tables that no rule declares.
            check(notes)
        check_dataset(
            Path(smk.input.dataset).parent,
            Path(smk.output.leakage).parent,
            cohort=Path(smk.input.cohort).parent,
            splits=Path(smk.input.splits),
            scalers=Path(smk.input.scalers),
            protocol=smk.wildcards.protocol,
            encoder_patients=Path(fitted) if fitted else None,
            notes=Path(notes) if notes else None,
            limits=smk.params.limits,
        )


if __name__ == "__main__":
    main(snakemake)
