"""Cohorts: labels, splits, and gates against leakage."""


rule build_cohort:
    """Choose the stays of a task and label them; compare their number with the published one."""
    input:
        canonical=canonical_files("{source}"),
        published=f"{OWN}/published/cohort_counts.csv",
    output:
        cohort="<results>/cohorts/{source}/{task}/cohort/cohort.parquet",
        task="<results>/cohorts/{source}/{task}/cohort/task.json",
        flow="<results>/cohorts/{source}/{task}/cohort/flow.json",
        counts="<results>/cohorts/{source}/{task}/cohort/counts.json",
    log:
        "<logs>/build_cohort/{source}/{task}.log",
    benchmark:
        "<results>/benchmarks/build_cohort/{source}/{task}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("build_cohort"),
        settings=lambda wildcards: task_settings(wildcards.source, wildcards.task),
    script:
        "../workflow/scripts/build_cohort.py"


rule split_patients:
    """Divide all patients of a source into train, val and test, once for every task."""
    input:
        canonical=canonical_files("{source}"),
    output:
        patients="<results>/cohorts/{source}/patients/patients.parquet",
    log:
        "<logs>/split_patients/{source}.log",
    benchmark:
        "<results>/benchmarks/split_patients/{source}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("split_patients"),
        protocol=protocol_settings(CONFIG, "patient"),
    script:
        "../workflow/scripts/split_patients.py"


rule make_splits:
    """Divide a cohort into train, val and test; fail if a stay or patient is in two."""
    input:
        cohort="<results>/cohorts/{source}/{task}/cohort/cohort.parquet",
        patients=patients_file,
        five_random=five_random_file,
    output:
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
        checks="<results>/cohorts/{source}/{task}/splits/{protocol}/checks.json",
    log:
        "<logs>/make_splits/{source}/{task}/{protocol}.log",
    benchmark:
        "<results>/benchmarks/make_splits/{source}/{task}/{protocol}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("make_splits"),
        protocol=lambda wildcards: protocol_settings(CONFIG, wildcards.protocol),
    script:
        "../workflow/scripts/make_splits.py"
