"""Theory: how fast maximum likelihood finds the parameters of a mixture of experts."""


rule fit_theory:
    """Simulate one configuration under one gate: all sizes, exact and over-specified."""
    output:
        fits="<results>/theory/{configuration}/{gate}/fits.parquet",
        cells="<results>/theory/{configuration}/{gate}/cells.parquet",
        slopes="<results>/theory/{configuration}/{gate}/slopes.json",
    log:
        "<logs>/fit_theory/{configuration}/{gate}.log",
    benchmark:
        "<results>/benchmarks/fit_theory/{configuration}/{gate}.tsv"
    wildcard_constraints:
        configuration="identifiable|published",
        gate="laplace|softmax|gaussian",
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("fit_theory"),
        settings=theory_settings(),
    script:
        "../workflow/scripts/fit_theory.py"


rule write_table2:
    """Write rates in theory beside measured slopes, and their rows of the claims table."""
    input:
        declaration=f"{OWN}/tables/table2.yaml",
        slopes=theory_slopes(),
        rates=f"{OWN}/published/fusemoe_table2.csv",
        printed=f"{OWN}/published/fusemoe_convergence.csv",
    output:
        csv=ensure("<results>/tables/table2.csv", non_empty=True),
        md=ensure("<results>/tables/table2.md", non_empty=True),
        tex=ensure("<results>/tables/table2.tex", non_empty=True),
        html=report(
            "<results>/tables/table2.html",
            category="Tables",
            subcategory="FuseMoE",
            caption="../workflow/report/table2.rst",
            labels={"table": "table2"},
        ),
        claims=ensure("<results>/claims/theory.csv", non_empty=True),
    log:
        "<logs>/write_table2/table2.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_table2"),
    script:
        "../workflow/scripts/write_table2.py"


rule draw_convergence:
    """Draw loss against sample size, exact and over-specified, with the printed slopes."""
    input:
        slopes=theory_slopes(),
        printed=f"{OWN}/published/fusemoe_convergence.csv",
    output:
        png=report(
            "<results>/figures/convergence.png",
            category="Figures",
            subcategory="FuseMoE",
            caption="../workflow/report/convergence.rst",
            labels={"figure": "convergence"},
        ),
        svg="<results>/figures/convergence.svg",
        pdf="<results>/figures/convergence.pdf",
        csv="<results>/figures/convergence.csv",
    log:
        "<logs>/draw_convergence/convergence.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_convergence"),
    script:
        "../workflow/scripts/draw_convergence.py"
