"""Provenance: a crate that leads each table and figure back to what it was made from."""

import snakemake as engine

from fleximodal.publishing.provenance.workflow import facts_of, files_of


rule write_crate:
    """Describe where every table and figure comes from, as an RO-Crate."""
    input:
        results=[*all_tables(), *all_figures(), *all_claims()],
        config=[os.path.relpath(path) for path in workflow.configfiles],
    output:
        metadata="<results>/provenance/ro-crate-metadata.json",
        sources="<results>/provenance/sources.csv",
        config="<results>/provenance/config.yaml",
        results=directory("<results>/provenance/results"),
        code=directory("<results>/provenance/code"),
    log:
        "<logs>/write_crate/write_crate.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code("write_crate"),
        root=os.path.relpath(workflow.basedir),
        config=CONFIG.model_dump(mode="json"),
        engine=engine.__version__,
        workflow=lambda wildcards: files_of(workflow.basedir),
        rules=lambda wildcards: facts_of(workflow.rules),
    script:
        "../workflow/scripts/write_crate.py"
