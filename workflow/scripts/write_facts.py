"""Write a printed table that no training is behind: raw files, or settings per task."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleximodal.io.job import job
from fleximodal.publishing.facts_declaration import TaskSettingsTable, load_facts
from fleximodal.publishing.raw_files_table import write_raw_files_table
from fleximodal.publishing.settings_table import Used
from fleximodal.publishing.task_settings_table import write_task_settings_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(smk: Any) -> None:
    """Unpack the rule and call the package."""
    with job(smk):
        table = load_facts(smk.input.declaration, smk.params.papers_data).noted(smk.params.note)
        folder, claims = Path(smk.output.csv).parent, smk.output.claims
        if isinstance(table, TaskSettingsTable):
            used = {task: Used(**values) for task, values in smk.params.used.items()}
            write_task_settings_table(table, smk.input.published, used, folder, claims)
        else:
            counts = smk.input.get("counts") or None
            write_raw_files_table(table, smk.input.published, counts, folder, claims)


if __name__ == "__main__":
    main(snakemake)
