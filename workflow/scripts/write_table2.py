"""Write table 2, theory beside measured slopes, and its claims."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.own_declaration import load_own
from fleximodal.publishing.theory_table import write_table2

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        write_table2(
            load_own(smk.input.declaration),
            smk.input.slopes,
            smk.input.rates,
            smk.input.printed,
            Path(smk.output.csv).parent,
            smk.output.claims,
        )


if __name__ == "__main__":
    main(snakemake)
