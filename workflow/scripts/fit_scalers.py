"""Fit one scaler per split on its training stays, and check that it is so."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.dataset.scaler import write_dataset_scalers
from fleximodal.io.log import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
    write_dataset_scalers(
        Path(smk.input.dataset).parent, Path(smk.input.splits), Path(smk.output.scalers)
    )


if __name__ == "__main__":
    main(snakemake)
