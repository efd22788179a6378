"""Evaluation: metrics from stored predictions alone."""


rule evaluate_cell:
    """Compute metrics with intervals, and the curves of the figure."""
    input:
        predictions=f"<results>/runs/{PATTERN}/predictions.parquet",
    output:
        metrics=f"<results>/metrics/{PATTERN}/metrics.json",
        curves=f"<results>/metrics/{PATTERN}/curves.json",
    log:
        f"<logs>/evaluate_cell/{PATTERN}.log",
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("evaluate_cell"),
        evaluation=CONFIG.evaluation.model_dump(mode="json"),
    script:
        "../workflow/scripts/evaluate_cell.py"
