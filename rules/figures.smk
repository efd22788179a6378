"""Figures: curves or optimum of the declared cells, and cohorts, with their numbers."""


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
    wildcard_constraints:
        table="|".join(CURVES),
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


rule draw_optimum:
    """Draw the measured AUROC of a table beside the best reachable one."""
    input:
        declaration=f"{OWN}/tables/{{table}}.yaml",
        truth=truth_file,
        metrics=lambda wildcards: [
            f"<results>/metrics/{cell.path}/metrics.json"
            for cell in present_cells(wildcards.table)
        ],
    output:
        png=report(
            "<results>/figures/{table}.png",
            category="Figures",
            caption="../workflow/report/optimum.rst",
            labels={"figure": "{table}"},
        ),
        svg="<results>/figures/{table}.svg",
        pdf="<results>/figures/{table}.pdf",
        csv="<results>/figures/{table}.csv",
    log:
        "<logs>/draw_optimum/{table}.log",
    wildcard_constraints:
        table="|".join(OPTIMA),
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_optimum"),
        note=CONFIG.note,
    script:
        "../workflow/scripts/draw_optimum.py"


rule draw_cohort_flow:
    """Draw how the stays of each task were chosen."""
    input:
        **COHORT_FILES,
    output:
        png=report(
            "<results>/figures/cohort_flow.png",
            category="Figures",
            caption="../workflow/report/cohort_flow.rst",
            labels={"figure": "cohort_flow"},
        ),
        svg="<results>/figures/cohort_flow.svg",
        pdf="<results>/figures/cohort_flow.pdf",
        csv="<results>/figures/cohort_flow.csv",
    log:
        "<logs>/draw_cohort_flow/cohort_flow.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_cohort_flow"),
        note=CONFIG.note,
    script:
        "../workflow/scripts/draw_cohort_flow.py"
