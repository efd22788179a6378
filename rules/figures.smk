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
            subcategory=shelf,
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
            subcategory=shelf,
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
            subcategory="Both papers",
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


rule draw_published_figure:
    """Draw a figure of a paper beside its published values, and write their claims."""
    input:
        declaration=f"{OWN}/figures/{{figure}}.yaml",
        published=lambda wildcards: f"{OWN}/published/{FIGURES[wildcards.figure].published}",
        counts=lambda wildcards: counts_file(FIGURES[wildcards.figure]),
        results=lambda wildcards: figure_results(wildcards.figure),
        whole=lambda wildcards: figure_whole(wildcards.figure),
    output:
        png=report(
            "<results>/figures/{figure}.png",
            category="Figures",
            subcategory=shelf,
            caption="../workflow/report/paper_figure.rst",
            labels={"figure": "{figure}"},
        ),
        svg="<results>/figures/{figure}.svg",
        pdf="<results>/figures/{figure}.pdf",
        csv="<results>/figures/{figure}.csv",
        claims=ensure("<results>/claims/{figure}.csv", non_empty=True),
    log:
        "<logs>/draw_published_figure/{figure}.log",
    wildcard_constraints:
        figure="|".join(CLAIMING_FIGURES),
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_paper_figure"),
        note=CONFIG.note,
        caption=lambda wildcards: FIGURES[wildcards.figure].caption,
        papers_data=CONFIG.papers_data,
        claims=CONFIG.claims.model_dump(mode="json"),
    script:
        "../workflow/scripts/draw_paper_figure.py"


rule draw_own_figure:
    """Draw a figure for which nothing was published."""
    input:
        declaration=f"{OWN}/figures/{{figure}}.yaml",
        results=lambda wildcards: figure_results(wildcards.figure),
        whole=lambda wildcards: figure_whole(wildcards.figure),
    output:
        png=report(
            "<results>/figures/{figure}.png",
            category="Figures",
            subcategory=shelf,
            caption="../workflow/report/paper_figure.rst",
            labels={"figure": "{figure}"},
        ),
        svg="<results>/figures/{figure}.svg",
        pdf="<results>/figures/{figure}.pdf",
        csv="<results>/figures/{figure}.csv",
    log:
        "<logs>/draw_own_figure/{figure}.log",
    wildcard_constraints:
        figure="|".join(name for name in FIGURES if name not in CLAIMING_FIGURES),
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_paper_figure"),
        note=CONFIG.note,
        caption=lambda wildcards: FIGURES[wildcards.figure].caption,
        papers_data=CONFIG.papers_data,
        claims=CONFIG.claims.model_dump(mode="json"),
    script:
        "../workflow/scripts/draw_paper_figure.py"


rule trace_autoencoder:
    """Trace the layers of the ECG autoencoder and measure what it makes of unseen ECGs."""
    input:
        canonical=canonical_files("{source}"),
        weights="<results>/encoders/{source}/ecg_autoencoder/autoencoder.safetensors",
        fitted="<results>/encoders/{source}/ecg_autoencoder/fitted_patients.parquet",
        reconstruction="<results>/encoders/{source}/ecg_autoencoder/reconstruction.json",
    output:
        traced="<results>/encoders/{source}/ecg_autoencoder_trace/autoencoder.json",
    log:
        "<logs>/trace_autoencoder/{source}.log",
    benchmark:
        "<results>/benchmarks/trace_autoencoder/{source}.tsv"
    conda:
        "../envs/encoders.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("trace_autoencoder"),
        folder=lambda wildcards: module_folder(wildcards.source, "ecg"),
    script:
        "../workflow/scripts/trace_autoencoder.py"
