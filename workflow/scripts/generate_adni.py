"""Write the generated study of Alzheimer's disease in the layout of ADNI."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.log import log_to
from fleximodal.sources.synthetic_adni.release import write_release

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    log_to(smk.log[0])
    write_release(Path(smk.output.truth).parent, settings=smk.params.settings)


if __name__ == "__main__":
    main(snakemake)
