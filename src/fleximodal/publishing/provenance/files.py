"""Files of a run as entities of its crate: results inside it, all else described."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from fleximodal import __version__
from fleximodal.publishing.provenance.entities import described, included, thing
from fleximodal.publishing.provenance.history import History, Job
from fleximodal.publishing.provenance.lineage import Lineage
from fleximodal.publishing.provenance.raw import is_raw, raw_files
from fleximodal.publishing.provenance.workflow import Workflow

_CONDA = (
    "https://conda.io/projects/conda/en/latest/user-guide/tasks/"
    "manage-environments.html#create-env-file-manually"
)


class Files:
    """The entities of files by path.

    Tables and figures are copied into the crate. Everything before them, which may hold rows of
    patients, is a name, a size and a SHA-256.
    """

    def __init__(self, crate: ROCrate, workflow: Workflow, history: History) -> None:
        self.crate = crate
        self.workflow = workflow
        self.history = history
        self.entities: dict[str, Entity] = {}
        self.raw: dict[str, Entity] = {}

    def include_results(self, lineages: Iterable[Lineage]) -> list[Entity]:
        """Copy tables and figures into the crate and return their entities."""
        for lineage in lineages:
            of = f" of {', '.join(lineage.sources)}" if lineage.sources else ""
            kind = f"data: {lineage.data}{of}" if lineage.data != "no data" else "no data"
            self.entities[lineage.output] = included(
                self.crate,
                lineage.output,
                self.place(lineage.output),
                description=f"Result of rule {lineage.jobs[0].rule}; {kind}.",
                keywords=lineage.data,
            )
        return list(self.entities.values())

    def include_workflow(self) -> None:
        """Copy the rules, scripts and environments of the workflow into the crate."""
        conda = thing(self.crate, _CONDA, "WebPageElement", name="Conda environment file")
        tool = {"@type": ["File", "SoftwareSourceCode"], "version": __version__}
        facts: dict[str, dict[str, Any]] = {".py": tool, ".yaml": {"conformsTo": conda}}
        for path in self.workflow.files[1:]:
            place = f"code/{Path(path).relative_to(self.workflow.root).as_posix()}"
            more = facts.get(Path(path).suffix, {})
            self.entities[path] = included(self.crate, path, place, **more)

    def read_by(self, job: Job) -> list[Entity]:
        """Return what a job read: files of other jobs, of the project, and raw files."""
        own = self.workflow.own
        known = [path for path in sorted(job.inputs) if not is_raw(path, self.history, own)]
        found = [self._entity(path, job.inputs[path]) for path in known]
        for file in raw_files(job, self.history, own):
            place = f"raw/{job.wildcards.get('source', job.rule)}/{file.name}"
            facts = {"description": "Raw data, not part of the crate."}
            self.raw[place] = described(self.crate, place, file.sha256, **facts)
            found.append(self.raw[place])
        return found

    def written_by(self, job: Job) -> list[Entity]:
        """Return what a job wrote."""
        return [self._entity(path, job.outputs[path]) for path in sorted(job.outputs)]

    def place(self, path: str) -> str:
        """Return the name of a file in the crate, whatever the folders were called."""
        for folder, name in ((self.workflow.results, "results"), (self.workflow.own, "config")):
            if Path(path).is_relative_to(folder):
                return f"{name}/{Path(path).relative_to(folder).as_posix()}"
        return Path(path).name

    def _entity(self, path: str, sha256: str) -> Entity:
        if path not in self.entities:
            size = self.history.sizes.get(path)
            facts = {} if size is None else {"contentSize": str(size)}
            if Path(path).is_dir():
                facts["@type"] = "Dataset"
                facts["description"] = "A folder; SHA-256 of the list of its files' SHA-256."
            self.entities[path] = described(self.crate, self.place(path), sha256, **facts)
        return self.entities[path]
