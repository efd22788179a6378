"""Dataset: one packed, memory-mapped dataset per source and task, and the gates before training."""


rule pack_dataset:
    """Pack the observations and encoded items of a cohort's stays in ragged form."""
    input:
        canonical=canonical_files("{source}"),
        encoded=encoded_files,
        cohort="<results>/cohorts/{source}/{task}/cohort/cohort.parquet",
        task="<results>/cohorts/{source}/{task}/cohort/task.json",
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
        mem_mb=8000,
        runtime=60,
    params:
        code=code("pack_dataset"),
        encoders=lambda wildcards: f"{CONFIG.pathvars.results}/encoders/{wildcards.source}",
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


rule check_leakage:
    """Pass every gate against leakage, or fail before anything is trained."""
    input:
        dataset="<results>/dataset/{source}/{task}/packed/dataset.safetensors",
        cohort="<results>/cohorts/{source}/{task}/cohort/cohort.parquet",
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
        scalers="<results>/dataset/{source}/{task}/scalers/{protocol}/scalers.json",
        autoencoder=fitted_patients_file,
    output:
        leakage="<results>/cohorts/{source}/{task}/leakage/{protocol}/leakage.json",
    log:
        "<logs>/check_leakage/{source}/{task}/{protocol}.log",
    benchmark:
        "<results>/benchmarks/check_leakage/{source}/{task}/{protocol}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("check_leakage"),
        limits=CONFIG.leakage.model_dump(mode="json"),
        notes=notes_file,
    script:
        "../workflow/scripts/check_leakage.py"
