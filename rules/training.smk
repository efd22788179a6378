"""Training: one process trains all splits and seeds of a cell."""


rule train_cell:
    """Train a method on every split and seed; write its predictions and cost."""
    input:
        dataset="<results>/dataset/{source}/{task}/packed/dataset.safetensors",
        manifest="<results>/dataset/{source}/{task}/packed/manifest.json",
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
        scalers="<results>/dataset/{source}/{task}/scalers/{protocol}/scalers.json",
        leakage="<results>/cohorts/{source}/{task}/leakage/{protocol}/leakage.json",
    output:
        predictions=f"<results>/runs/{PATTERN}/predictions.parquet",
        history=f"<results>/runs/{PATTERN}/history.csv",
        routing=f"<results>/runs/{PATTERN}/routing.csv",
        run=f"<results>/runs/{PATTERN}/run.json",
        cost=f"<results>/runs/{PATTERN}/cost.json",
    log:
        f"<logs>/train_cell/{PATTERN}.log",
    benchmark:
        f"<results>/benchmarks/train_cell/{PATTERN}.tsv"
    conda:
        "../envs/models.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=6000,
        runtime=720,
    params:
        code=training_code,
        description=lambda wildcards: _checked(describe, CONFIG, cell_of(wildcards)),
        state=lambda wildcards: f"{CONFIG.pathvars.results}/state/{cell_of(wildcards).path}",
    script:
        "../workflow/scripts/train_cell.py"
