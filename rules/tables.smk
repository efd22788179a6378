"""Tables: metrics and costs of the declared cells, and sizes of cohorts, in four formats."""


rule write_table:
    """Write a declared table as CSV, Markdown, LaTeX and HTML."""
    input:
        declaration=f"{OWN}/tables/{{table}}.yaml",
        peers=peers_file,
        metrics=lambda wildcards: [
            f"<results>/metrics/{cell.path}/metrics.json"
            for cell in present_cells(wildcards.table)
        ],
        costs=lambda wildcards: [
            f"<results>/runs/{cell.path}/cost.json"
            for cell in present_cells(wildcards.table)
        ],
        leakage=leakage_files,
        truth=truth_file,
    output:
        csv=ensure("<results>/tables/{table}.csv", non_empty=True),
        md=ensure("<results>/tables/{table}.md", non_empty=True),
        tex=ensure("<results>/tables/{table}.tex", non_empty=True),
        html=report(
            "<results>/tables/{table}.html",
            category="Tables",
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


rule write_cohort_table:
    """Write table 5: stays per source, task and modality beside the published numbers."""
    input:
        **COHORT_FILES,
        published=f"{OWN}/published/cohort_counts.csv",
    output:
        csv=ensure("<results>/tables/table5.csv", non_empty=True),
        md=ensure("<results>/tables/table5.md", non_empty=True),
        tex=ensure("<results>/tables/table5.tex", non_empty=True),
        html=report(
            "<results>/tables/table5.html",
            category="Tables",
            caption="../workflow/report/table5.rst",
            labels={"table": "table5"},
        ),
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
