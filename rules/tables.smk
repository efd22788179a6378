"""Tables: metrics and costs of the declared cells, in four formats."""


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
