"""Pass every gate against leakage."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.dataset.gates import check_dataset
from fleximodal.io.log import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
    fitted, notes = smk.input.get("autoencoder"), smk.params.notes
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
