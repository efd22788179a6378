"""Robustness: trained models while modalities are missing at test time, and modality shares."""


rule predict_conditions:
    """Score the test part with a cell's trained models under each condition."""
    input:
        run=f"<results>/runs/{PATTERN}/run.json",
        dataset="<results>/dataset/{source}/{task}/packed/dataset.safetensors",
        manifest="<results>/dataset/{source}/{task}/packed/manifest.json",
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
        scalers="<results>/dataset/{source}/{task}/scalers/{protocol}/scalers.json",
    output:
        predictions=f"<results>/robustness/{PATTERN}/predictions.parquet",
    log:
        f"<logs>/predict_conditions/{PATTERN}.log",
    benchmark:
        f"<results>/benchmarks/predict_conditions/{PATTERN}.tsv"
    conda:
        "../envs/models.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=6000,
        runtime=120,
    params:
        code=scoring_code,
        conditions=conditions_wanted,
    script:
        "../workflow/scripts/predict_conditions.py"


rule evaluate_conditions:
    """Compute metrics with intervals under each condition, for all cells of a figure."""
    input:
        declaration=f"{OWN}/figures/{{figure}}.yaml",
        predictions=lambda wildcards: [
            f"<results>/robustness/{cell.path}/predictions.parquet"
            for cell in figure_cells(wildcards.figure)
        ],
    output:
        conditions=ensure("<results>/conditions/{figure}.json", non_empty=True),
    log:
        "<logs>/evaluate_conditions/{figure}.log",
    benchmark:
        "<results>/benchmarks/evaluate_conditions/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(figures_of("robustness", "shares")),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        code=code("evaluate_conditions"),
        papers_data=CONFIG.papers_data,
        evaluation=CONFIG.evaluation.model_dump(mode="json"),
    script:
        "../workflow/scripts/evaluate_conditions.py"


rule write_robustness:
    """Write the table of trained models under missing data in four formats."""
    input:
        declaration=f"{OWN}/figures/{{figure}}.yaml",
        conditions="<results>/conditions/{figure}.json",
    output:
        csv=ensure("<results>/tables/{figure}.csv", non_empty=True),
        md=ensure("<results>/tables/{figure}.md", non_empty=True),
        tex=ensure("<results>/tables/{figure}.tex", non_empty=True),
        html=report(
            "<results>/tables/{figure}.html",
            category="Tables",
            subcategory=shelf,
            caption="../workflow/report/robustness.rst",
            labels={"table": "{figure}"},
        ),
    log:
        "<logs>/write_robustness/{figure}.log",
    wildcard_constraints:
        figure="|".join(figures_of("robustness")),
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_robustness"),
        papers_data=CONFIG.papers_data,
        note=CONFIG.note,
    script:
        "../workflow/scripts/write_robustness.py"


rule measure_shares:
    """Measure each modality's share in what the experts of a cell's models add."""
    input:
        run=f"<results>/runs/{PATTERN}/run.json",
        dataset="<results>/dataset/{source}/{task}/packed/dataset.safetensors",
        manifest="<results>/dataset/{source}/{task}/packed/manifest.json",
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
        scalers="<results>/dataset/{source}/{task}/scalers/{protocol}/scalers.json",
    output:
        shares=f"<results>/shares/{PATTERN}/shares.json",
    log:
        f"<logs>/measure_shares/{PATTERN}.log",
    benchmark:
        f"<results>/benchmarks/measure_shares/{PATTERN}.tsv"
    conda:
        "../envs/models.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=6000,
        runtime=60,
    params:
        code=lambda wildcards: network_code("measure_shares", wildcards),
    script:
        "../workflow/scripts/measure_shares.py"


rule evaluate_common_test:
    """Compute the metrics of a figure's cells on the test stays that all of them have."""
    input:
        declaration=f"{OWN}/figures/{{figure}}.yaml",
        predictions=lambda wildcards: [
            f"<results>/runs/{cell.path}/predictions.parquet"
            for cell in figure_cells(wildcards.figure)
        ],
    output:
        common=ensure("<results>/common_test/{figure}.json", non_empty=True),
    log:
        "<logs>/evaluate_common_test/{figure}.log",
    benchmark:
        "<results>/benchmarks/evaluate_common_test/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(figures_of("missing")),
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("evaluate_common_test"),
        papers_data=CONFIG.papers_data,
        evaluation=CONFIG.evaluation.model_dump(mode="json"),
    script:
        "../workflow/scripts/evaluate_common_test.py"
