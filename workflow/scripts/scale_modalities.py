"""Train a method on generated stays with a given number of modalities, and measure its cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.log import log_to
from fleximodal.training.many_modalities import scale_modalities

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
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
