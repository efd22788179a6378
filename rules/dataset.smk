"""Dataset: one packed, memory-mapped dataset per source and task."""


rule pack_dataset:
    """Pack the observations of a cohort's stays in ragged form."""
    input:
        events="<results>/canonical/{source}/events.parquet",
        static="<results>/canonical/{source}/static.parquet",
        modalities="<results>/canonical/{source}/modalities.json",
        cohort="<results>/cohorts/{source}/{task}/cohort/cohort.parquet",
    output:
        dataset="<results>/dataset/{source}/{task}/packed/dataset.safetensors",
        manifest="<results>/dataset/{source}/{task}/packed/manifest.json",
    log:
        "<logs>/pack_dataset/{source}/{task}.log",
    benchmark:
        "<results>/benchmarks/pack_dataset/{source}/{task}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=20,
    params:
        code=code("pack_dataset"),
    script:
        "../workflow/scripts/pack_dataset.py"


rule fit_scalers:
    """Fit mean and deviation per channel on training stays, one scaler per split."""
    input:
        dataset="<results>/dataset/{source}/{task}/packed/dataset.safetensors",
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
    output:
        scalers="<results>/dataset/{source}/{task}/scalers/{protocol}/scalers.json",
    log:
        "<logs>/fit_scalers/{source}/{task}/{protocol}.log",
    benchmark:
        "<results>/benchmarks/fit_scalers/{source}/{task}/{protocol}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("fit_scalers"),
    script:
        "../workflow/scripts/fit_scalers.py"
