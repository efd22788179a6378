"""Figures: curves of the declared cells, with their numbers beside them."""


rule draw_curves:
    """Draw ROC, precision-recall and reliability curves of a table's methods."""
    input:
        declaration=f"{OWN}/tables/{{table}}.yaml",
        curves=lambda wildcards: [
            f"<results>/metrics/{cell.path}/curves.json"
            for cell in present_cells(wildcards.table)
        ],
    output:
        png=report(
            "<results>/figures/{table}.png",
            category="Figures",
            caption="../workflow/report/curves.rst",
            labels={"figure": "{table}"},
        ),
        svg="<results>/figures/{table}.svg",
        pdf="<results>/figures/{table}.pdf",
        csv="<results>/figures/{table}.csv",
    log:
        "<logs>/draw_curves/{table}.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_curves"),
        note=CONFIG.note,
    script:
        "../workflow/scripts/draw_curves.py"
