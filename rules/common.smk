"""Configuration, lists derived from it, and input functions."""

import re

from snakemake.exceptions import WorkflowError

from fleximodal.config.cells import PATTERN, cell_of, describe, protocol_settings
from fleximodal.config.code import fingerprint
from fleximodal.config.load import find_release, load_config
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import find_method, known_methods
from fleximodal.publishing.declaration import load_declaration

SETS = ("a", "b", "c")
FORMATS = ("csv", "md", "tex", "html")
RAW_SYNTHETIC = "<results>/raw/synthetic"
# The project's own configuration as seen from where the graph runs, which may be elsewhere.
OWN = os.path.relpath(Path(workflow.basedir) / "config")


def _checked(function, *arguments):
    """Call `function`; an error meant for the user ends the run as one sentence."""
    try:
        return function(*arguments)
    except FleximodalError as error:
        raise WorkflowError(str(error)) from None


CONFIG = _checked(load_config, config)
RELEASE = _checked(find_release, CONFIG)
SOURCES = ["synthetic"] + (["physionet2012"] if RELEASE else [])


def table_file(name):
    """Return the declaration's file."""
    path = Path(workflow.basedir) / "config" / "tables" / f"{name}.yaml"
    if not path.is_file():
        raise FleximodalError(
            f"configuration: tables: there is no config/tables/{name}.yaml; "
            "declare the table there or remove its name"
        )
    return path


KNOWN = _checked(known_methods)
DECLARATIONS = {}
for path in sorted(Path(workflow.basedir, "config/tables").glob("*.yaml")):
    try:
        DECLARATIONS[path.stem] = load_declaration(path, KNOWN)
    except FleximodalError as error:
        # Somebody else's table must not stop this run; one that is asked for does.
        if path.stem in CONFIG.tables:
            raise WorkflowError(str(error)) from None
for name in CONFIG.tables:
    _checked(table_file, name)
    for cell in DECLARATIONS[name].cells():
        _checked(describe, CONFIG, cell)


wildcard_constraints:
    source="synthetic|physionet2012",
    task="48-IHM",
    protocol="official|five-random|seeded",
    modalities=r"[a-z0-9]+(\+[a-z0-9]+)*",
    method="|".join(map(re.escape, KNOWN)),
    variant="paper",
    table="|".join(DECLARATIONS),


def code(script, functions=()):
    """Return a fingerprint of the package's files behind a rule's script.

    As a parameter of the rule it reruns the rule when one of them is edited; as input files they
    would fill the screen with fifty names per job.
    """
    return fingerprint(
        Path(workflow.basedir, "workflow", "scripts", f"{script}.py"), functions
    )


def release_folder(source):
    """Return the folder of raw files of a source."""
    return RAW_SYNTHETIC if source == "synthetic" else str(RELEASE)


def release_files(wildcards):
    """Return the raw files of a source: archives where there are, else unpacked folders."""
    folder = release_folder(wildcards.source)
    names = [f"Outcomes-{letter}.txt" for letter in SETS]
    for letter in SETS:
        archive = f"set-{letter}.tar.gz"
        unpacked = (
            wildcards.source != "synthetic" and not Path(folder, archive).exists()
        )
        names.append(f"set-{letter}" if unpacked else archive)
    return [f"{folder}/{name}" for name in names]


def five_random_file(wildcards):
    """Return the CSV of the five random splits where the protocol needs it."""
    if wildcards.protocol != "five-random":
        return []
    if wildcards.source == "synthetic":
        return f"{RAW_SYNTHETIC}/splits-five-random.csv"
    file = CONFIG.protocols.five_random.file or f"{RELEASE}/splits-five-random.csv"
    if not Path(file).is_file():
        raise WorkflowError(
            f"protocol five-random: {file} does not exist; give a CSV with the columns RecordID "
            "and split1 to split5 (train, val, test) as protocols.five-random.file"
        )
    return file


def peers_file(wildcards):
    """Return the file of published values that a table shows beside the measured ones."""
    peers = DECLARATIONS[wildcards.table].peers
    return f"{OWN}/published/{peers}" if peers else []


def present_cells(table):
    """Return the cells of a table whose source is there, in the order of its rows."""
    return [cell for cell in DECLARATIONS[table].cells() if cell.source in SOURCES]


def training_code(wildcards):
    """Return the code a cell depends on: a tree method does not depend on the networks."""
    settings = find_method(wildcards.method).settings
    functions = [settings.trainer, getattr(settings, "builder", settings.trainer)]
    return code("train_cell", functions)


def all_tables():
    """Return the files of every configured table."""
    return expand(
        "<results>/tables/{table}.{format}", table=CONFIG.tables, format=FORMATS
    )


def all_figures():
    """Return the files of every configured figure whose data are there."""
    drawn = [t for t in CONFIG.tables if DECLARATIONS[t].figure and present_cells(t)]
    return expand(
        "<results>/figures/{table}.{format}",
        table=drawn,
        format=("png", "svg", "pdf", "csv"),
    )


def closing_words():
    """Return what is printed after a run: where the tables are and what was not run."""
    from fleximodal.publishing.summary import summarise

    folder = Path(CONFIG.pathvars.results, "tables")
    return summarise([folder / f"{name}.csv" for name in CONFIG.tables])
