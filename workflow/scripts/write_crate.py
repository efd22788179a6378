"""Describe where every table and figure comes from, as an RO-Crate."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.provenance.crate import write_provenance
from fleximodal.publishing.provenance.workflow import Rule, Workflow

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        folder = Path(smk.output.metadata).parent
        write_provenance(
            folder,
            list(smk.input.results),
            Workflow(
                root=smk.params.root,
                files=list(smk.params.workflow),
                rules={name: Rule(*facts) for name, facts in smk.params.rules.items()},
                results=str(folder.parent),
                engine=smk.params.engine,
            ),
            config=smk.params.config,
            config_files=list(smk.input.config),
        )


if __name__ == "__main__":
    main(snakemake)
