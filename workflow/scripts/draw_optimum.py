"""Draw the measured AUROC of a declared table beside the best reachable one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.declaration import load_declaration
from fleximodal.publishing.entries import entries
from fleximodal.publishing.optimum_figure import write_optimum_figure

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        declaration = load_declaration(smk.input.declaration, known_methods())
        declaration = declaration.noted(smk.params.note)
        cells = entries(declaration, metrics=smk.input.metrics)
        write_optimum_figure(declaration, cells, smk.input.truth, Path(smk.output.png).parent)


if __name__ == "__main__":
    main(snakemake)
