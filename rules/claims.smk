"""Claims: every published value and order of methods, what was measured, and a verdict."""


rule rank_methods:
    """Hold the orders of methods that a table shows against the stored predictions."""
    input:
        declaration=f"{OWN}/tables/{{published}}.yaml",
        published=published_file,
        counts=lambda wildcards: counts_file(TABLES[wildcards.published]),
        predictions=lambda wildcards: files_of_cells(wildcards.published, "predictions"),
    output:
        rankings=ensure("<results>/rankings/{published}.json", non_empty=True),
    log:
        "<logs>/rank_methods/{published}.log",
    benchmark:
        "<results>/benchmarks/rank_methods/{published}.tsv"
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code("rank_methods"),
        papers_data=CONFIG.papers_data,
        level=CONFIG.claims.level,
        evaluation=CONFIG.evaluation.model_dump(mode="json"),
    script:
        "../workflow/scripts/rank_methods.py"


rule collect_claims:
    """Gather the tables of claims and of rankings from their parts."""
    input:
        parts=claim_parts(),
        rankings=ranking_parts(),
    output:
        claims=report(
            ensure("<results>/claims.csv", non_empty=True),
            category="Tables",
            subcategory="Both papers",
            caption="../workflow/report/claims.rst",
            labels={"table": "claims"},
        ),
        rankings=report(
            ensure("<results>/rankings.csv", non_empty=True),
            category="Tables",
            subcategory="Both papers",
            caption="../workflow/report/rankings.rst",
            labels={"table": "rankings"},
        ),
    log:
        "<logs>/collect_claims/claims.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("collect_claims"),
    script:
        "../workflow/scripts/collect_claims.py"
