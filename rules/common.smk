"""Configuration, lists derived from it, and input functions."""

import re
from dataclasses import asdict
from functools import cache

from snakemake.exceptions import WorkflowError

from fleximodal.cohorts.registry import TASKS, find_task, reader_of
from fleximodal.config.available import available_sources
from fleximodal.config.cell import PATTERN, cell_of
from fleximodal.config.cells import describe, protocol_settings
from fleximodal.config.code import fingerprint
from fleximodal.config.folders import raw_file
from fleximodal.config.load import load_config, method_settings, training_of
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import find_method, known_methods
from fleximodal.publishing.comparison_declaration import Comparison
from fleximodal.publishing.complexity_declaration import ComplexityTable
from fleximodal.publishing.declaration import TableDeclaration
from fleximodal.publishing.declared import load_table
from fleximodal.publishing.facts_declaration import (
    FactsTable,
    RawFilesTable,
    TaskSettingsTable,
)
from fleximodal.publishing.figure_declaration import load_figure
from fleximodal.publishing.own_declaration import OwnTable
from fleximodal.publishing.published_declaration import PublishedTable
from fleximodal.sources.adni.files import find_files

SETS = ("a", "b", "c")
ADNI_FOLDERS = ("diagnosis", "clinical", "biospecimen", "genomic", "image")
FORMATS = ("csv", "md", "tex", "html")
CANONICAL = ("stays.parquet", "events.parquet", "modalities.json", "counts.json")
RAW_COHORT = "<results>/raw/synthetic-physionet2012"
RAW_HOSPITAL = "<results>/raw/synthetic-hospital"
RAW_ADNI = "<results>/raw/synthetic-adni"
# The project's own configuration as seen from where the graph runs, which may be elsewhere.
OWN = os.path.relpath(Path(workflow.basedir) / "config")


def _checked(function, *arguments):
    """Call `function`; an error meant for the user ends the run as one sentence."""
    try:
        return function(*arguments)
    except FleximodalError as error:
        raise WorkflowError(str(error)) from None


CONFIG = _checked(load_config, config)
AVAILABLE = _checked(available_sources, CONFIG, Path(CONFIG.pathvars.results, "raw"))
READERS = list(dict.fromkeys(reader for reader, _ in TASKS))
ALL_SOURCES = [*READERS, *(f"synthetic-{reader}" for reader in READERS)]


# Cohorts of table 5, those that are there and those whose data are absent.
COHORTS = [
    (source, task)
    for source in ALL_SOURCES
    for reader, task in TASKS
    if reader == reader_of(source)
]
PRESENT_COHORTS = [(source, task) for source, task in COHORTS if source in AVAILABLE]
ABSENT_COHORTS = [cohort for cohort in COHORTS if cohort not in PRESENT_COHORTS]
COHORT_FILES = {
    "flows": [
        f"<results>/cohorts/{source}/{task}/cohort/flow.json"
        for source, task in PRESENT_COHORTS
    ],
    "others": [
        f"<results>/cohorts/{source}/{task}/cohort/{file}.json"
        for source, task in PRESENT_COHORTS
        for file in ("task", "counts")
    ],
    "canonical": [
        f"<results>/canonical/{source}/counts.json"
        for source in dict.fromkeys(source for source, _ in PRESENT_COHORTS)
    ],
}


KNOWN = _checked(known_methods)


def declared(kind, chosen, load):
    """Return the declarations of config/{kind} by name; the chosen ones must be right."""
    found = {}
    for path in sorted(Path(workflow.basedir, "config", kind).glob("*.yaml")):
        try:
            found[path.stem] = load(path)
        except FleximodalError as error:
            # Somebody else's declaration must not stop this run; one that is asked for does.
            if path.stem in chosen:
                raise WorkflowError(str(error)) from None
    for name in chosen:
        if name not in found:
            raise WorkflowError(
                f"configuration: {kind}: there is no config/{kind}/{name}.yaml; "
                "declare it there or remove its name"
            )
        for cell in found[name].cells():
            _checked(describe, CONFIG, cell)
    return found


TABLES = declared(
    "tables",
    CONFIG.tables,
    lambda path: load_table(path, KNOWN, CONFIG.papers_data),
)
FIGURES = declared(
    "figures",
    CONFIG.figures,
    lambda path: load_figure(path, KNOWN, papers_data=CONFIG.papers_data),
)


def tables_of(kind):
    """Return the declarations of one kind by name."""
    return {name: table for name, table in TABLES.items() if isinstance(table, kind)}


DECLARATIONS = tables_of(TableDeclaration)
PUBLISHED = tables_of(PublishedTable)
COMPARISONS = tables_of(Comparison)
COMPLEXITIES = tables_of(ComplexityTable)
FACTS = tables_of(FactsTable)
# Figures of a paper whose values are held against measured ones.
CLAIMING_FIGURES = [name for name, figure in FIGURES.items() if figure.published]
# Tables whose figure shows the optimum, and those whose figure shows curves.
OPTIMA = [name for name, table in DECLARATIONS.items() if table.optimum]
CURVES = [name for name in DECLARATIONS if name not in OPTIMA]


wildcard_constraints:
    source="|".join(ALL_SOURCES),
    task="|".join(dict.fromkeys(task for _, task in TASKS)),
    protocol="official|five-random|stay|patient|complete-test",
    modalities=r"[a-z0-9]+(\+[a-z0-9]+)*",
    method="|".join(map(re.escape, KNOWN)),
    cases=r"[a-z0-9]+(\+[a-z0-9]+)*",
    variant=r"(paper|released)(\+[A-Za-z0-9-]+)*",
    encoded="notes|cxr|ecg|discharge|codes",
    table="|".join(DECLARATIONS),
    published="|".join(PUBLISHED),
    comparison="|".join(COMPARISONS),
    complexity="|".join(COMPLEXITIES),
    facts="|".join(FACTS),


def code(script):
    """Return an input function: the fingerprint of a rule's script and of what is behind it.

    Only the jobs of a run ask for it; reading the package for every rule makes up much of a start.
    """
    return lambda wildcards: code_with(script)


def code_with(script, functions=()):
    """Return a fingerprint of a rule's script and of the package's files behind it.

    As a parameter of the rule it reruns the rule when one of them is edited; as input files they
    would fill the screen with fifty names per job.
    """
    return _fingerprint(script, tuple(functions))


@cache
def _fingerprint(script, functions):
    # Hundreds of jobs share few scripts; reading the package for each takes minutes.
    path = Path(workflow.basedir, "workflow", "scripts", f"{script}.py")
    return fingerprint(path, functions)


onstart:
    # With a limit on starts per time, Snakemake looks again at all ready jobs one span after every
    # look, so that looks add up: most of a core after some hundred jobs, and a wait at the end. Its
    # own limit, 100 a second, is never reached here; one that the user sets stays.
    limit = workflow.scheduler.job_rate_limiter
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
