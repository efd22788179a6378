"""Input functions of cells, tables, figures and claims, and the lists of `all`."""


def peers_file(wildcards):
    """Return the file of published values that a table shows beside the measured ones."""
    peers = DECLARATIONS[wildcards.table].peers
    return f"{OWN}/published/{peers}" if peers else []


def present_cells(table):
    """Return the cells of a table whose source and modalities are there, in the order of rows."""
    return _there(TABLES[table].cells())


def figure_cells(figure):
    """Return the cells of a figure whose source and modalities are there, in order."""
    return _there(FIGURES[figure].cells())


def _there(cells):
    return [
        cell
        for cell in cells
        if cell.source in AVAILABLE
        and _checked(AVAILABLE[cell.source].has, cell.task, cell.modalities)
    ]


def leakage_files(wildcards):
    """Return the leakage reports of a table, one per source, task and protocol that is there."""
    keys = dict.fromkeys(
        (cell.source, cell.task, cell.protocol)
        for cell in present_cells(wildcards.table)
    )
    return [
        f"<results>/cohorts/{source}/{task}/leakage/{protocol}/leakage.json"
        for source, task, protocol in keys
    ]


def all_datasets():
    """Return the leakage reports of every task of every source, which need its packed dataset."""
    return [
        f"<results>/cohorts/{source}/{task}/leakage/{protocol}/leakage.json"
        for source, task in PRESENT_COHORTS
        for protocol in (
            {"physionet2012": ["official"], "adni": ["complete-test"]}.get(
                reader_of(source), ["stay", "patient"]
            )
        )
    ]


def truth_file(wildcards):
    """Return the truth of a generated source where a table shows the optimum."""
    declaration = DECLARATIONS[wildcards.table]
    if not declaration.optimum:
        return []
    own = {"synthetic-physionet2012": RAW_COHORT, "synthetic-adni": RAW_ADNI}
    return f"{own.get(declaration.source, RAW_HOSPITAL)}/truth.json"


def training_code(wildcards):
    """Return the code a cell depends on: a tree method does not depend on the networks."""
    settings = find_method(wildcards.method).settings
    functions = [settings.trainer, _builder(wildcards.method)]
    return code_with("train_cell", functions)


def theory_settings():
    """Return how the theory is simulated, without what only says which parts of it are."""
    which = {"configurations", "gates"}
    return CONFIG.theory.model_dump(mode="json", exclude=which)


def theory_slopes():
    """Return the slopes of every configuration and gate of the theory."""
    return expand(
        "<results>/theory/{configuration}/{gate}/slopes.json",
        configuration=CONFIG.theory.configurations,
        gate=CONFIG.theory.gates,
    )


def files_of_cells(table, kind):
    """Return a file of each cell of a table that is there: "metrics", "predictions" and so on."""
    folder, file = {
        "metrics": ("metrics", "metrics.json"),
        "predictions": ("runs", "predictions.parquet"),
        "costs": ("runs", "cost.json"),
    }[kind]
    return [f"<results>/{folder}/{cell.path}/{file}" for cell in present_cells(table)]


def of_each_cell(pattern):
    """Return an input function: a file of each cell of a table of costs that is there."""
    return lambda wildcards: [
        f"<results>/{pattern.format(**asdict(cell))}"
        for cell in present_cells(wildcards.complexity)
    ]


def measured_complexity(table):
    """Return the costs of a table's networks, if any of its data are there."""
    return f"<results>/complexity/{table}.json" if present_cells(table) else []


def published_file(wildcards):
    """Return the file of values that a paper's table prints."""
    return printed_values(wildcards.published)


def printed_values(table):
    """Return the file of values that a paper prints, of a declared table."""
    return f"{OWN}/published/{TABLES[table].published}"


def counts_file(declared):
    """Return the counts of a declaration's source, which tell its release, if it is there."""
    there = getattr(declared, "source", None) in AVAILABLE
    return f"<results>/canonical/{declared.source}/counts.json" if there else []


def settings_by_task(table):
    """Return what the configuration gives per task, for a table of settings per task."""
    declared = TABLES[table]
    if not isinstance(declared, TaskSettingsTable):
        return {}
    return {task: used_settings(declared.method, task) for task in declared.tasks}


def used_settings(method, task=None):
    """Return what the configuration gives for the parameters that a paper prints."""
    settings = method_settings(CONFIG, method, task=task)
    training = training_of(CONFIG, task) if task else CONFIG.training
    return {
        "settings": settings.model_dump(mode="json"),
        "training": training.model_dump(mode="json"),
        "seeds": CONFIG.seeds,
    }


def claim_parts():
    """Return the parts of the claims table, in the order of tables and figures."""
    claiming = ("table5", *PUBLISHED, *COMPLEXITIES, *FACTS)
    names = {"table2": "theory"} | {name: name for name in claiming}
    parts = [names[table] for table in CONFIG.tables if table in names]
    parts += [name for name in CONFIG.figures if name in CLAIMING_FIGURES]
    return [f"<results>/claims/{part}.csv" for part in parts]


def ranking_parts():
    """Return the parts of the table of rankings."""
    printed = [table for table in CONFIG.tables if table in PUBLISHED]
    return [f"<results>/rankings/{table}.json" for table in printed]


def all_claims():
    """Return the tables of claims, if there is anything to hold against a published value."""
    return ["<results>/claims.csv", "<results>/rankings.csv"] if claim_parts() else []


def all_tables():
    """Return the files of every configured table."""
    tabled = [n for n in figures_of("robustness", "bank") if n in CONFIG.figures]
    return expand(
        "<results>/tables/{table}.{format}",
        table=[*CONFIG.tables, *filter(figure_cells, tabled)],
        format=FORMATS,
    )


def all_figures():
    """Return the files of every configured figure whose data are there."""
    declared = [name for name in CONFIG.tables if name in DECLARATIONS]
    drawn = [t for t in declared if DECLARATIONS[t].figure and present_cells(t)]
    if "table5" in CONFIG.tables and PRESENT_COHORTS:
        drawn.append("cohort_flow")
    if "table2" in CONFIG.tables:
        drawn.append("convergence")
    drawn += [name for name in CONFIG.figures if can_be_drawn(name)]
    return expand(
        "<results>/figures/{table}.{format}",
        table=drawn,
        format=("png", "svg", "pdf", "csv"),
    )


def closing_words():
    """Return what is printed after a run: where the tables are and what was not run."""
    from fleximodal.publishing.summary import summarise

    results = Path(CONFIG.pathvars.results)
    drawn = [n for n in figures_of("robustness", "bank") if n in CONFIG.figures]
    names = [*CONFIG.tables, *drawn]
    tables = [results / "tables" / f"{name}.csv" for name in names]
    claims = results / "claims.csv", results / "rankings.csv"
    return summarise(tables, *(claims if claim_parts() else ()))


def figures_of(*kinds):
    """Return the names of the declared figures of these kinds."""
    return [name for name, figure in FIGURES.items() if figure.kind in kinds]


def can_be_drawn(figure):
    """Tell whether there is anything to draw: published values, or data of ours."""
    if figure in CLAIMING_FIGURES or figure_cells(figure):
        return True
    if FIGURES[figure].kind == "many_modalities":
        return True
    source = AVAILABLE.get(FIGURES[figure].source)
    needs_ecgs = FIGURES[figure].kind == "autoencoder"
    return needs_ecgs and source is not None and "ecg" in source.modalities["stay"]


def figure_results(figure):
    """Return the file of each cell that a figure is drawn from, of those that are there."""
    files = {
        "cost": ("runs", "cost.json"),
        "experts": ("metrics", "metrics.json"),
        "missing": ("metrics", "metrics.json"),
        "shares": ("shares", "shares.json"),
        "sensitivity": ("metrics", "metrics.json"),
        "bank": ("traces", "trace.json"),
        "activation": ("traces", "trace.json"),
    }
    if FIGURES[figure].kind == "many_modalities":
        return expand(
            "<results>/many_modalities/{number}/{method}/many.json",
            number=CONFIG.many_modalities.numbers,
            method=CONFIG.many_modalities.methods,
        )
    if FIGURES[figure].kind not in files:
        return []
    folder, file = files[FIGURES[figure].kind]
    return [f"<results>/{folder}/{cell.path}/{file}" for cell in figure_cells(figure)]


def figure_whole(figure):
    """Return the one file that a figure is drawn from besides, made from all its cells."""
    declared = FIGURES[figure]
    if declared.kind == "autoencoder":
        return f"<results>/encoders/{declared.source}/ecg_autoencoder_trace/autoencoder.json"
    if declared.kind == "cohort":
        there = declared.source in AVAILABLE
        flows = (
            f"<results>/cohorts/{declared.source}/{declared.tasks[0]}/cohort/flow.json"
        )
        return flows if there else []
    if not figure_cells(figure):
        return []
    if declared.kind in ("shares", "robustness"):
        return f"<results>/conditions/{figure}.json"
    return f"<results>/common_test/{figure}.json" if declared.common_test else []


def conditions_wanted(wildcards):
    """Return whether a cell is scored under every condition, or with one modality out."""
    cell = cell_of(wildcards)
    robust = figures_of("robustness")
    return (
        "every" if any(cell in FIGURES[name].cells() for name in robust) else "one-out"
    )


def scoring_code(wildcards):
    """Return the code that scores stays with a cell's stored models."""
    settings = find_method(wildcards.method).settings
    functions = [settings.scorer, _builder(wildcards.method)]
    return code_with("predict_conditions", functions)


def network_code(script, wildcards):
    """Return the code of a script that works with a method's network."""
    return code_with(script, [_builder(wildcards.method)])


def networks_code(script, table):
    """Return the code of a script that works with the networks of a table."""
    return code_with(
        script, sorted({_builder(cell.method) for cell in present_cells(table)})
    )


def _builder(method):
    """Return what makes a method's network; of a method without one, what trains it."""
    settings = find_method(method).settings
    return getattr(settings, "builder", settings.trainer)
