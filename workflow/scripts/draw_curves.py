"""Draw the curves of a declared table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.curves import write_curves
from fleximodal.publishing.declaration import load_declaration
from fleximodal.publishing.entries import entries

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        declaration = load_declaration(smk.input.declaration, known_methods())
        declaration = declaration.noted(smk.params.note)
        cells = entries(declaration, curves=smk.input.curves)
        write_curves(declaration, cells, Path(smk.output.png).parent)


if __name__ == "__main__":
    main(snakemake)
