"""Tables: metrics and costs of the declared cells, and sizes of cohorts, in four formats."""


rule write_table:
    """Write a declared table as CSV, Markdown, LaTeX and HTML."""
    input:
        declaration=f"{OWN}/tables/{{table}}.yaml",
        peers=peers_file,
        metrics=lambda wildcards: files_of_cells(wildcards.table, "metrics"),
        costs=lambda wildcards: files_of_cells(wildcards.table, "costs"),
        leakage=leakage_files,
        truth=truth_file,
    output:
        csv=ensure("<results>/tables/{table}.csv", non_empty=True),
        md=ensure("<results>/tables/{table}.md", non_empty=True),
        tex=ensure("<results>/tables/{table}.tex", non_empty=True),
        html=report(
            "<results>/tables/{table}.html",
            category="Tables",
            subcategory=shelf,
            caption="../workflow/report/table.rst",
            labels={"table": "{table}"},
        ),
    log:
        "<logs>/write_table/{table}.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_table"),
        note=CONFIG.note,
    script:
        "../workflow/scripts/write_table.py"


rule write_published_table:
    """Write a table that a paper printed, measured beside printed, and its claims."""
    input:
        declaration=f"{OWN}/tables/{{published}}.yaml",
        published=published_file,
        counts=lambda wildcards: counts_file(TABLES[wildcards.published]),
        metrics=lambda wildcards: files_of_cells(wildcards.published, "metrics"),
    output:
        csv=ensure("<results>/tables/{published}.csv", non_empty=True),
        md=ensure("<results>/tables/{published}.md", non_empty=True),
        tex=ensure("<results>/tables/{published}.tex", non_empty=True),
        html=report(
            "<results>/tables/{published}.html",
            category="Tables",
            subcategory=shelf,
            caption="../workflow/report/published.rst",
            labels={"table": "{published}"},
        ),
        claims=ensure("<results>/claims/{published}.csv", non_empty=True),
    log:
        "<logs>/write_published_table/{published}.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_published_table"),
        note=CONFIG.note,
        papers_data=CONFIG.papers_data,
        claims=CONFIG.claims.model_dump(mode="json"),
    script:
        "../workflow/scripts/write_published_table.py"


rule write_comparison:
    """Write how variants differ on the same data: switches, negative controls."""
    input:
        declaration=f"{OWN}/tables/{{comparison}}.yaml",
        metrics=lambda wildcards: files_of_cells(wildcards.comparison, "metrics"),
        predictions=lambda wildcards: files_of_cells(
            wildcards.comparison, "predictions"
        ),
    output:
        csv=ensure("<results>/tables/{comparison}.csv", non_empty=True),
        md=ensure("<results>/tables/{comparison}.md", non_empty=True),
        tex=ensure("<results>/tables/{comparison}.tex", non_empty=True),
        html=report(
            "<results>/tables/{comparison}.html",
            category="Tables",
            subcategory=shelf,
            caption="../workflow/report/comparison.rst",
            labels={"table": "{comparison}"},
        ),
    log:
        "<logs>/write_comparison/{comparison}.log",
    benchmark:
        "<results>/benchmarks/write_comparison/{comparison}.tsv"
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("write_comparison"),
        note=CONFIG.note,
        papers_data=CONFIG.papers_data,
        evaluation=CONFIG.evaluation.model_dump(mode="json"),
    script:
        "../workflow/scripts/write_comparison.py"


rule write_methods_table:
    """Write table 1: what methods can do, as printed."""
    input:
        declaration=f"{OWN}/tables/table1.yaml",
        published=f"{OWN}/published/fusemoe_table1.csv",
    output:
        csv=ensure("<results>/tables/table1.csv", non_empty=True),
        md=ensure("<results>/tables/table1.md", non_empty=True),
        tex=ensure("<results>/tables/table1.tex", non_empty=True),
        html=report(
            "<results>/tables/table1.html",
            category="Tables",
            subcategory="FuseMoE",
            caption="../workflow/report/facts.rst",
            labels={"table": "table1"},
        ),
    log:
        "<logs>/write_methods_table/table1.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_methods_table"),
    script:
        "../workflow/scripts/write_methods_table.py"


rule write_settings_table:
    """Write table 6: hyperparameters as printed and as the configuration gives them."""
    input:
        declaration=f"{OWN}/tables/table6.yaml",
        published=f"{OWN}/published/fusemoe_table6.csv",
    output:
        csv=ensure("<results>/tables/table6.csv", non_empty=True),
        md=ensure("<results>/tables/table6.md", non_empty=True),
        tex=ensure("<results>/tables/table6.tex", non_empty=True),
        html=report(
            "<results>/tables/table6.html",
            category="Tables",
            subcategory="FuseMoE",
            caption="../workflow/report/facts.rst",
            labels={"table": "table6"},
        ),
    log:
        "<logs>/write_settings_table/table6.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_settings_table"),
        note=CONFIG.note,
        used=lambda wildcards: used_settings(TABLES["table6"].method),
    script:
        "../workflow/scripts/write_settings_table.py"


rule write_cohort_table:
    """Write table 5, stays per source, task and modality beside the published, and its claims."""
    input:
        **COHORT_FILES,
        declaration=f"{OWN}/tables/table5.yaml",
        published=f"{OWN}/published/cohort_counts.csv",
    output:
        csv=ensure("<results>/tables/table5.csv", non_empty=True),
        md=ensure("<results>/tables/table5.md", non_empty=True),
        tex=ensure("<results>/tables/table5.tex", non_empty=True),
        html=report(
            "<results>/tables/table5.html",
            category="Tables",
            subcategory="FuseMoE",
            caption="../workflow/report/table5.rst",
            labels={"table": "table5"},
        ),
        claims=ensure("<results>/claims/table5.csv", non_empty=True),
    log:
        "<logs>/write_cohort_table/table5.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_cohort_table"),
        absent=ABSENT_COHORTS,
        note=CONFIG.note,
    script:
        "../workflow/scripts/write_cohort_table.py"
