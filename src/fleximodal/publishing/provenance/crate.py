"""A Provenance Run Crate of a run: Workflow Run RO-Crate, profile 0.5, on RO-Crate 1.1."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from fleximodal.io.atomic import atomic_folder, write_text
from fleximodal.io.manifest import sha256_of
from fleximodal.publishing.provenance.actions import Actions
from fleximodal.publishing.provenance.entities import (
    RO_CRATE,
    described,
    included,
    thing,
)
from fleximodal.publishing.provenance.files import Files
from fleximodal.publishing.provenance.history import History, read_history
from fleximodal.publishing.provenance.lineage import Lineage, lineages, write_sources
from fleximodal.publishing.provenance.workflow import Workflow, version

_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
# From CodeMeta, for the environment of a step; later versions of RO-Crate have it.
_TERMS = {"buildInstructions": "https://codemeta.github.io/terms/buildInstructions"}
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}


def write_provenance(
    folder: Path | str,
    outputs: Sequence[str],
    workflow: Workflow,
    *,
    config: Mapping[str, Any],
    config_files: Sequence[str],
) -> None:
    """Write the crate of a run: `ro-crate-metadata.json`, and the files that it holds.

    Beside the metadata are `sources.csv` (one row per table and figure), `config.yaml` (the merged
    configuration), `results/` (copies of tables and figures) and `code/` (the workflow).

    Parameters
    ----------
    folder
        Where the crate is written; replaced as a whole.
    outputs
        Tables and figures, as Snakemake gives their paths.
    workflow
        The workflow that made them.
    config, config_files
        The merged configuration, and the files that it was merged from.

    Raises
    ------
    FleximodalError
        As `read_history`.
    """
    outputs = [Path(output).as_posix() for output in outputs]
    history = read_history(outputs, workflow.results)
    found = lineages(outputs, history, workflow.own)
    with atomic_folder(folder) as temporary:
        write_sources(temporary / "sources.csv", found)
        text = yaml.safe_dump(dict(config), sort_keys=True, allow_unicode=True)
        write_text(temporary / "config.yaml", text)
        crate = _new(history, found)
        agent = _agent(crate)
        files = Files(crate, workflow, history)
        results = files.include_results(found)
        files.include_workflow()
        settings = _settings(crate, files, temporary, config_files)
        main = _main(crate, workflow)
        actions = Actions(crate, workflow, history, files, agent)
        by_rule = actions.add_jobs()
        steps, controls = actions.add_steps(by_rule)
        run = actions.add_run(main, controls, settings, results)
        tools = {step["workExample"].id: step["workExample"] for step in steps}
        main["step"] = steps
        main["hasPart"] = list(tools.values())
        crate.root_dataset["mentions"] = [run, *(job for jobs in by_rule.values() for job in jobs)]
        crate.write(temporary)


def _new(history: History, found: Sequence[Lineage]) -> ROCrate:
    crate = ROCrate(version=RO_CRATE)
    crate.metadata.extra_contexts.append(_CONTEXT)
    crate.metadata.extra_terms.update(_TERMS)
    kinds = sorted({lineage.data for lineage in found})
    crate.name = "Tables and figures of fleximodal with their provenance"
    crate.description = (
        f"{len(found)} files of tables and figures, and the jobs, settings, code, environments and "
        f"checksums of raw files behind each. Data in them: {', '.join(kinds)}. Files that hold "
        "rows of patients are described by name, size and SHA-256 and are not part of the crate."
    )
    crate.keywords = ", ".join(kinds)
    # The time of the results, not of this description of them: the same results, the same crate.
    crate.datePublished = max(job.ended for job in history.jobs.values())
    crate.license = thing(
        crate,
        "https://spdx.org/licenses/MIT",
        "CreativeWork",
        name="MIT License",
        description="Of the software, tables and figures; raw data keep their publishers' terms.",
    )
    crate.root_dataset["conformsTo"] = [
        thing(crate, identifier, "CreativeWork", name=name, version=number)
        for identifier, (name, number) in _PROFILES.items()
    ]
    return crate


def _agent(crate: ROCrate) -> Entity:
    agent = thing(crate, "#fleximodal", "Organization", name="fleximodal")
    crate.publisher = agent
    crate.root_dataset["author"] = agent
    return agent


def _settings(
    crate: ROCrate, files: Files, folder: Path, config_files: Sequence[str]
) -> list[Entity]:
    included(
        crate,
        folder / "sources.csv",
        "sources.csv",
        description="One row per table and figure: what it was made from.",
    )
    merged = included(
        crate,
        folder / "config.yaml",
        "config.yaml",
        description="The configuration of the run, merged and complete.",
    )
    given = [
        described(
            crate,
            f"configuration/{files.place(path)}",
            sha256_of(path),
            description="A file that the configuration was merged from.",
        )
        for path in config_files
    ]
    return [merged, *given]


def _main(crate: ROCrate, workflow: Workflow) -> Entity:
    return crate.add_workflow(
        workflow.files[0],
        "code/Snakefile",
        main=True,
        lang="snakemake",
        lang_version=workflow.engine,
        properties={
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": "fleximodal",
            "description": "From raw clinical files to the tables and figures of two papers.",
            "version": version(),
            "encodingFormat": "text/plain",
            "sha256": sha256_of(workflow.files[0]),
            "license": crate.license,
        },
    )
