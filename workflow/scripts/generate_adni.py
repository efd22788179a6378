"""Write the generated study of Alzheimer's disease in the layout of ADNI."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.sources.synthetic_adni.release import write_release

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_release(Path(smk.output.truth).parent, settings=smk.params.settings)


if __name__ == "__main__":
    main(snakemake)
