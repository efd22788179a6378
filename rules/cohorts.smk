"""Cohorts: labels, splits, and gates against leakage."""


rule build_cohort:
    """Choose the stays of a task and label them."""
    input:
        stays="<results>/canonical/{source}/stays.parquet",
        events="<results>/canonical/{source}/events.parquet",
        modalities="<results>/canonical/{source}/modalities.json",
    output:
        cohort="<results>/cohorts/{source}/{task}/cohort/cohort.parquet",
        flow="<results>/cohorts/{source}/{task}/cohort/flow.json",
    log:
        "<logs>/build_cohort/{source}/{task}.log",
    benchmark:
        "<results>/benchmarks/build_cohort/{source}/{task}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("build_cohort"),
    script:
        "../workflow/scripts/build_cohort.py"


rule make_splits:
    """Divide a cohort into train, val and test; fail on leakage."""
    input:
        cohort="<results>/cohorts/{source}/{task}/cohort/cohort.parquet",
        events="<results>/canonical/{source}/events.parquet",
        five_random=five_random_file,
    output:
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
        leakage="<results>/cohorts/{source}/{task}/splits/{protocol}/leakage.json",
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
