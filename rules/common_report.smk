"""Input functions of the report, and where tables and figures stand in it."""

# The register of discrepancies as seen from where the graph runs, which may be elsewhere.
REGISTER = os.path.relpath(Path(workflow.basedir) / "docs" / "discrepancies.md")
OPEN_DATA = "physionet2012"


def evaluated_cells():
    """Return the cells of the configured tables whose metrics are computed, each once."""
    of_cells = [t for t in CONFIG.tables if t in DECLARATIONS | PUBLISHED | COMPARISONS]
    return list(
        dict.fromkeys(cell for table in of_cells for cell in present_cells(table))
    )


def trained_cells():
    """Return all cells that are trained for the configured tables and figures, each once."""
    drawn = [cell for figure in CONFIG.figures for cell in figure_cells(figure)]
    return list(dict.fromkeys([*evaluated_cells(), *drawn]))


def absent_cells():
    """Return how many cells of configured tables wait for data, by source."""
    cells = dict.fromkeys(
        cell for table in CONFIG.tables for cell in TABLES[table].cells()
    )
    there = set(evaluated_cells())
    found = {}
    for cell in cells:
        if cell not in there:
            found[cell.source] = found.get(cell.source, 0) + 1
    return found


def _tasks_of_run():
    return list(dict.fromkeys((cell.source, cell.task) for cell in trained_cells()))


def cohorts_of_run(file):
    """Return a file of each cohort that a cell of the run is of."""
    return [
        f"<results>/cohorts/{source}/{task}/{file}" for source, task in _tasks_of_run()
    ]


def canonical_of_run():
    """Return the counts of the canonical tables of each source that a cell of the run is of."""
    sources = dict.fromkeys(source for source, _ in _tasks_of_run())
    return [f"<results>/canonical/{source}/counts.json" for source in sources]


def leakage_of_run():
    """Return the leakage report of each source, task and protocol of the run."""
    keys = dict.fromkeys((c.source, c.task, c.protocol) for c in trained_cells())
    return [
        f"<results>/cohorts/{source}/{task}/leakage/{protocol}/leakage.json"
        for source, task, protocol in keys
    ]


def reported_configuration():
    """Return the values of the configuration that the pages tell."""
    told = {"tables", "figures", "papers_data", "note", "seeds", "evaluation", "claims"}
    return CONFIG.model_dump(mode="json", include=told)


def shelf(wildcards):
    """Return where a declared table or figure stands in the report: its paper, or what it is of."""
    name = next(iter(wildcards))
    declared = TABLES[name] if name in TABLES else FIGURES[name]
    published = str(getattr(declared, "published", None) or "")
    for paper in ("FuseMoE", "Flex-MoE"):
        if published.startswith(paper.replace("-", "").lower()):
            return paper
    sources = {cell.source for cell in declared.cells()}
    return "Open data" if OPEN_DATA in sources else "Questions"
