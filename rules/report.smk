"""Report: pages for the reader beside the tables and figures."""

PAGES = ("claims", "discrepancies", "costs", "model_card", "reforms", "tripod_ai")


localrules:
    report_pages,


rule report_pages:
    """Every page for the reader, with every table and figure of the configuration."""
    input:
        all_tables(),
        all_figures(),
        all_claims(),
        expand("<results>/report/{page}.html", page=PAGES),


rule gather_facts:
    """Gather what the run can say of itself: numbers and settings, no row of a patient."""
    input:
        flows=cohorts_of_run("cohort/flow.json"),
        tasks=cohorts_of_run("cohort/task.json"),
        counts=cohorts_of_run("cohort/counts.json"),
        canonical=canonical_of_run(),
        leakage=leakage_of_run(),
        costs=[f"<results>/runs/{cell.path}/cost.json" for cell in trained_cells()],
        runs=[f"<results>/runs/{cell.path}/run.json" for cell in trained_cells()],
        metrics=[
            f"<results>/metrics/{cell.path}/metrics.json" for cell in evaluated_cells()
        ],
    output:
        facts=ensure("<results>/report/facts.json", non_empty=True),
    log:
        "<logs>/gather_facts/facts.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("gather_facts"),
        configuration=reported_configuration(),
        absent=absent_cells(),
    script:
        "../workflow/scripts/gather_facts.py"


rule write_claims_page:
    """Write what was reproduced, what differs, what was not run and why."""
    input:
        facts="<results>/report/facts.json",
        claims=all_claims(),
    output:
        page=report(
            "<results>/report/claims.html",
            category="Reading",
            caption="../workflow/report/claims_page.rst",
            labels={"page": "claims"},
        ),
    log:
        "<logs>/write_claims_page/claims.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_claims_page"),
    script:
        "../workflow/scripts/write_claims_page.py"


rule write_discrepancies_page:
    """Write the register of discrepancies with what was measured of them."""
    input:
        facts="<results>/report/facts.json",
        register=REGISTER,
        comparisons=[
            f"<results>/tables/{name}.csv"
            for name in CONFIG.tables
            if name in COMPARISONS
        ],
    output:
        page=report(
            "<results>/report/discrepancies.html",
            category="Reading",
            caption="../workflow/report/discrepancies.rst",
            labels={"page": "discrepancies"},
        ),
    log:
        "<logs>/write_discrepancies_page/discrepancies.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_discrepancies_page"),
    script:
        "../workflow/scripts/write_discrepancies_page.py"


rule write_costs_page:
    """Write time, memory and parameters of every cell, and their sums."""
    input:
        facts="<results>/report/facts.json",
    output:
        page=report(
            "<results>/report/costs.html",
            category="Reading",
            caption="../workflow/report/costs.rst",
            labels={"page": "costs"},
        ),
    log:
        "<logs>/write_costs_page/costs.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_costs_page"),
    script:
        "../workflow/scripts/write_costs_page.py"


rule write_model_card:
    """Write the model card: use, data, metrics, calibration, limits."""
    input:
        facts="<results>/report/facts.json",
    output:
        page=report(
            "<results>/report/model_card.html",
            category="Reading",
            caption="../workflow/report/model_card.rst",
            labels={"page": "model card"},
        ),
    log:
        "<logs>/write_model_card/model_card.log",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_model_card"),
    script:
        "../workflow/scripts/write_model_card.py"


rule write_checklist:
    """Fill a reporting checklist from the facts of the run."""
    input:
        facts="<results>/report/facts.json",
        declaration=f"{OWN}/report/{{checklist}}.yaml",
    output:
        page=report(
            "<results>/report/{checklist}.html",
            category="Reading",
            caption="../workflow/report/checklist.rst",
            labels={"page": "{checklist}"},
        ),
    log:
        "<logs>/write_checklist/{checklist}.log",
    wildcard_constraints:
        checklist="reforms|tripod_ai",
    conda:
        "../envs/plots.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("write_checklist"),
    script:
        "../workflow/scripts/write_checklist.py"
