"""Claims: every published value, what was measured for it, and a verdict."""


rule collect_claims:
    """Gather the claims table from its parts."""
    input:
        parts=claim_parts(),
    output:
        claims=report(
            ensure("<results>/claims.csv", non_empty=True),
            category="Tables",
            caption="../workflow/report/claims.rst",
            labels={"table": "claims"},
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
