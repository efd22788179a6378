"""Flex-MoE: what its models route and store, what a step costs, and many modalities."""


rule trace_flexmoe:
    """Trace the routing and the bank of a cell's models."""
    input:
        run=f"<results>/runs/{PATTERN}/run.json",
        dataset="<results>/dataset/{source}/{task}/packed/dataset.safetensors",
        manifest="<results>/dataset/{source}/{task}/packed/manifest.json",
        splits="<results>/cohorts/{source}/{task}/splits/{protocol}/splits.parquet",
        scalers="<results>/dataset/{source}/{task}/scalers/{protocol}/scalers.json",
    output:
        trace=f"<results>/traces/{PATTERN}/trace.json",
    log:
        f"<logs>/trace_flexmoe/{PATTERN}.log",
    benchmark:
        f"<results>/benchmarks/trace_flexmoe/{PATTERN}.tsv"
    conda:
        "../envs/models.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=6000,
        runtime=60,
    params:
        code=lambda wildcards: network_code("trace_flexmoe", wildcards),
    script:
        "../workflow/scripts/trace_flexmoe.py"


rule measure_complexity:
    """Measure parameters, operations and step time of a table's networks, one after another."""
    input:
        runs=of_each_cell(f"runs/{PATTERN}/run.json"),
        datasets=of_each_cell("dataset/{source}/{task}/packed/dataset.safetensors"),
        manifests=of_each_cell("dataset/{source}/{task}/packed/manifest.json"),
        splits=of_each_cell("cohorts/{source}/{task}/splits/{protocol}/splits.parquet"),
        scalers=of_each_cell("dataset/{source}/{task}/scalers/{protocol}/scalers.json"),
    output:
        complexity="<results>/complexity/{complexity}.json",
    log:
        "<logs>/measure_complexity/{complexity}.log",
    conda:
        "../envs/models.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=6000,
        runtime=60,
    params:
        code=lambda wildcards: networks_code("measure_complexity", wildcards.complexity),
    script:
        "../workflow/scripts/measure_complexity.py"


rule scale_modalities:
    """Train a method on generated stays with a given number of modalities."""
    output:
        many="<results>/many_modalities/{number}/{method}/many.json",
    log:
        "<logs>/scale_modalities/{number}/{method}.log",
    wildcard_constraints:
        number=r"\d+",
    conda:
        "../envs/models.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        code=lambda wildcards: network_code("scale_modalities", wildcards),
        settings=lambda wildcards: method_settings(
            CONFIG, wildcards.method
        ).model_dump(mode="json"),
        many=CONFIG.many_modalities.model_dump(mode="json"),
        training=CONFIG.training.model_dump(mode="json"),
    script:
        "../workflow/scripts/scale_modalities.py"


rule write_complexity:
    """Write a printed table of sizes and costs, measured beside printed, and its claims."""
    input:
        declaration=f"{OWN}/tables/{{complexity}}.yaml",
        published=lambda wildcards: printed_values(wildcards.complexity),
        counts=lambda wildcards: counts_file(TABLES[wildcards.complexity]),
        metrics=lambda wildcards: files_of_cells(wildcards.complexity, "metrics"),
        complexity=lambda wildcards: measured_complexity(wildcards.complexity),
    output:
        csv=ensure("<results>/tables/{complexity}.csv", non_empty=True),
        md=ensure("<results>/tables/{complexity}.md", non_empty=True),
        tex=ensure("<results>/tables/{complexity}.tex", non_empty=True),
        html=report(
            "<results>/tables/{complexity}.html",
            category="Tables",
            subcategory=shelf,
            caption="../workflow/report/published.rst",
            labels={"table": "{complexity}"},
        ),
        claims=ensure("<results>/claims/{complexity}.csv", non_empty=True),
    log:
        "<logs>/write_complexity/{complexity}.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_complexity"),
        note=CONFIG.note,
        papers_data=CONFIG.papers_data,
        claims=CONFIG.claims.model_dump(mode="json"),
    script:
        "../workflow/scripts/write_complexity.py"


rule write_facts:
    """Write a printed table that no training is behind: raw files, or settings per task."""
    input:
        declaration=f"{OWN}/tables/{{facts}}.yaml",
        published=lambda wildcards: printed_values(wildcards.facts),
        counts=lambda wildcards: counts_file(TABLES[wildcards.facts]),
    output:
        csv=ensure("<results>/tables/{facts}.csv", non_empty=True),
        md=ensure("<results>/tables/{facts}.md", non_empty=True),
        tex=ensure("<results>/tables/{facts}.tex", non_empty=True),
        html=report(
            "<results>/tables/{facts}.html",
            category="Tables",
            subcategory=shelf,
            caption="../workflow/report/facts.rst",
            labels={"table": "{facts}"},
        ),
        claims=ensure("<results>/claims/{facts}.csv", non_empty=True),
    log:
        "<logs>/write_facts/{facts}.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_facts"),
        note=CONFIG.note,
        papers_data=CONFIG.papers_data,
        used=lambda wildcards: settings_by_task(wildcards.facts),
    script:
        "../workflow/scripts/write_facts.py"


rule write_bank:
    """Write the table of what a bank of missing modalities holds."""
    input:
        declaration=f"{OWN}/figures/{{figure}}.yaml",
        results=lambda wildcards: figure_results(wildcards.figure),
    output:
        csv=ensure("<results>/tables/{figure}.csv", non_empty=True),
        md=ensure("<results>/tables/{figure}.md", non_empty=True),
        tex=ensure("<results>/tables/{figure}.tex", non_empty=True),
        html=report(
            "<results>/tables/{figure}.html",
            category="Tables",
            subcategory=shelf,
            caption="../workflow/report/bank.rst",
            labels={"table": "{figure}"},
        ),
    log:
        "<logs>/write_bank/{figure}.log",
    wildcard_constraints:
        figure="|".join(figures_of("bank")),
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_bank"),
        note=CONFIG.note,
        papers_data=CONFIG.papers_data,
    script:
        "../workflow/scripts/write_bank.py"
