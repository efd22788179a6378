"""Write a comparison of variants as CSV, Markdown, LaTeX and HTML."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.methods.registry import known_methods
from fleximodal.publishing.comparison import build_comparison
from fleximodal.publishing.comparison_declaration import load_comparison
from fleximodal.publishing.comparison_page import comparison_page
from fleximodal.publishing.entries import entries
from fleximodal.publishing.formats import write_page

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        known, data = known_methods(), smk.params.papers_data
        declared = load_comparison(smk.input.declaration, known, data).noted(smk.params.note)
        cells = entries(declared, metrics=smk.input.metrics, predictions=smk.input.predictions)
        frame = build_comparison(
            declared,
            cells,
            replicates=smk.params.evaluation["bootstrap_replicates"],
            seed=smk.params.evaluation["bootstrap_seed"],
        )
        write_page(frame, comparison_page(frame, declared), Path(smk.output.csv).parent)


if __name__ == "__main__":
    main(snakemake)
