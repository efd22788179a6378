"""Configuration, lists derived from it, and input functions."""

import re

from snakemake.exceptions import WorkflowError

from fleximodal.cohorts.registry import TASKS, find_task, reader_of
from fleximodal.config.available import available_sources
from fleximodal.config.cells import PATTERN, cell_of, describe, protocol_settings
from fleximodal.config.code import fingerprint
from fleximodal.config.folders import raw_file
from fleximodal.config.load import load_config
from fleximodal.errors import FleximodalError
from fleximodal.methods.registry import find_method, known_methods
from fleximodal.publishing.declaration import load_declaration

SETS = ("a", "b", "c")
FORMATS = ("csv", "md", "tex", "html")
CANONICAL = ("stays.parquet", "events.parquet", "modalities.json", "counts.json")
RAW_COHORT = "<results>/raw/synthetic-physionet2012"
RAW_HOSPITAL = "<results>/raw/synthetic-hospital"
# Tables with a rule of their own, declared nowhere.
OWN_TABLES = {"table2", "table5"}
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
for name in set(CONFIG.tables) - OWN_TABLES:
    _checked(table_file, name)
    for cell in DECLARATIONS[name].cells():
        _checked(describe, CONFIG, cell)
# Tables whose figure shows the optimum, and those whose figure shows curves.
OPTIMA = [name for name, table in DECLARATIONS.items() if table.optimum]
CURVES = [name for name in DECLARATIONS if name not in OPTIMA]


wildcard_constraints:
    source="|".join(ALL_SOURCES),
    task="|".join(dict.fromkeys(task for _, task in TASKS)),
    protocol="official|five-random|stay|patient",
    modalities=r"[a-z0-9]+(\+[a-z0-9]+)*",
    method="|".join(map(re.escape, KNOWN)),
    variant="paper",
    encoded="notes|cxr|ecg|discharge|codes",
    table="|".join(DECLARATIONS),


def code(script, functions=()):
    """Return a fingerprint of the package's files behind a rule's script.

    As a parameter of the rule it reruns the rule when one of them is edited; as input files they
    would fill the screen with fifty names per job.
    """
    return fingerprint(
        Path(workflow.basedir, "workflow", "scripts", f"{script}.py"), functions
    )


def canonical_files(source):
    """Return the canonical tables that every source has; others stand beside them."""
    return [f"<results>/canonical/{source}/{name}" for name in CANONICAL]


def raw_folders(wildcards):
    """Return the folders of raw files of a source by module, as text."""
    folders = AVAILABLE[wildcards.source].folders
    return {module: str(folder) for module, folder in folders.items()}


def module_folder(source, encoded):
    """Return the folder of a source's images or ECGs, None for what needs no files."""
    folder = AVAILABLE[source].folders.get(encoded)
    return None if folder is None else str(folder)


def physionet2012_files(wildcards):
    """Return the raw files of a release: archives where there are, else unpacked folders."""
    folder = _source(wildcards).folders["core"]
    names = [f"Outcomes-{letter}.txt" for letter in SETS]
    for letter in SETS:
        archive = f"set-{letter}.tar.gz"
        unpacked = (
            wildcards.source == "physionet2012" and not (folder / archive).exists()
        )
        names.append(f"set-{letter}" if unpacked else archive)
    return [str(folder / name) for name in names]


def mimic4_files(wildcards):
    """Return the raw tables of MIMIC-IV that are there, or the generated folders."""
    folders = _source(wildcards).folders
    if wildcards.source.startswith("synthetic-"):
        return [str(folder) for folder in folders.values()]
    tables = {
        "core": ["hosp/patients", "hosp/admissions", "hosp/diagnoses_icd"]
        + ["hosp/labevents", "icu/icustays", "icu/d_items", "icu/chartevents"],
        "note": ["note/radiology", "note/discharge"],
        "cxr": ["mimic-cxr-2.0.0-metadata"],
        "ecg": ["record_list"],
    }
    files = [
        raw_file(folder, f"{table}.csv")
        for module, folder in folders.items()
        for table in tables[module]
    ]
    return [str(file) for file in files if file]


def mimic3_files(wildcards):
    """Return the raw tables of MIMIC-III that are there, or the generated folder."""
    folder = _source(wildcards).folders["core"]
    if wildcards.source.startswith("synthetic-"):
        return [str(folder)]
    tables = ["PATIENTS", "ADMISSIONS", "ICUSTAYS", "DIAGNOSES_ICD"]
    tables += ["CHARTEVENTS", "LABEVENTS", "NOTEEVENTS"]
    files = [raw_file(folder, f"{table}.csv") for table in tables]
    return [str(file) for file in files if file]


def _source(wildcards):
    """Return what is there of a source; one that is absent is said plainly."""
    if wildcards.source not in AVAILABLE:
        raise WorkflowError(
            f"source {wildcards.source} is absent: give its folder under "
            f"sources.{wildcards.source}.folder or put it into a folder of data_folders"
        )
    return AVAILABLE[wildcards.source]


def event_settings(section):
    """Return how measurements become events; what is not set follows from the channels."""
    default = getattr(section, "channels", "paper") != "authors"
    given = {
        "range_filter": section.range_filter,
        "bound_at_outtime": section.bound_at_outtime,
    }
    return {name: default if value is None else value for name, value in given.items()}


def task_settings(source, task):
    """Return the part of the configuration that decides labels and window of a task."""
    if task != "25-PHE":
        return {}
    settings = CONFIG.tasks.phenotyping.model_dump(mode="json")
    window = settings.pop("mimic3_window_hours")
    return settings | (
        {"window_hours": window} if reader_of(source) == "mimic3" else {}
    )


def encoder_settings(encoded):
    """Return the settings of an encoder; discharge notes are encoded as notes are."""
    section = getattr(CONFIG.encoders, "notes" if encoded == "discharge" else encoded)
    return section.model_dump(mode="json")


def encoded_files(wildcards):
    """Return the encoded items that a task's dataset takes in."""
    unit = find_task(wildcards.source, wildcards.task).unit
    names = _source(wildcards).modalities[unit]
    stay = {"notes": "notes", "cxr": "cxr", "ecg": "ecg"}
    admission = {"notes": "discharge", "codes": "codes"}
    by_name = admission if unit == "admission" else stay
    return [
        f"<results>/encoders/{wildcards.source}/{by_name[name]}/{file}"
        for name in names
        if name in by_name
        for file in ("items.parquet", "vectors.safetensors")
    ]


def fitted_patients_file(wildcards):
    """Return the patients whom the ECG autoencoder saw, for tasks that use ECGs."""
    if (
        "ecg"
        not in _source(wildcards).modalities[
            find_task(wildcards.source, wildcards.task).unit
        ]
    ):
        return []
    return (
        f"<results>/encoders/{wildcards.source}/ecg_autoencoder/fitted_patients.parquet"
    )


def notes_file(wildcards):
    """Return the table of a task's notes, None where there are none."""
    unit = find_task(wildcards.source, wildcards.task).unit
    if "notes" not in _source(wildcards).modalities[unit]:
        return None
    table = "discharge_notes" if unit == "admission" else "notes"
    return f"{CONFIG.pathvars.results}/canonical/{wildcards.source}/{table}.parquet"


def patients_file(wildcards):
    """Return the source's division of patients where the protocol takes it."""
    if wildcards.protocol != "patient":
        return []
    return f"<results>/cohorts/{wildcards.source}/patients/patients.parquet"


def five_random_file(wildcards):
    """Return the CSV of the five random splits where the protocol needs it."""
    if wildcards.protocol != "five-random":
        return []
    if wildcards.source == "synthetic-physionet2012":
        return f"{RAW_COHORT}/splits-five-random.csv"
    folder = _source(wildcards).folders["core"]
    file = CONFIG.protocols.five_random.file or f"{folder}/splits-five-random.csv"
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
    """Return the cells of a table whose source and modalities are there, in the order of rows."""
    return [
        cell
        for cell in DECLARATIONS[table].cells()
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
            ["official"]
            if reader_of(source) == "physionet2012"
            else ["stay", "patient"]
        )
    ]


def truth_file(wildcards):
    """Return the truth of a generated source where a table shows the optimum."""
    declaration = DECLARATIONS[wildcards.table]
    if not declaration.optimum:
        return []
    cohort = declaration.source == "synthetic-physionet2012"
    return f"{RAW_COHORT if cohort else RAW_HOSPITAL}/truth.json"


def training_code(wildcards):
    """Return the code a cell depends on: a tree method does not depend on the networks."""
    settings = find_method(wildcards.method).settings
    functions = [settings.trainer, getattr(settings, "builder", settings.trainer)]
    return code("train_cell", functions)


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


def claim_parts():
    """Return the parts of the claims table."""
    return ["<results>/claims/theory.csv"] if "table2" in CONFIG.tables else []


def all_claims():
    """Return the claims table, if there is anything to hold against a published value."""
    return ["<results>/claims.csv"] if claim_parts() else []


def all_tables():
    """Return the files of every configured table."""
    return expand(
        "<results>/tables/{table}.{format}", table=CONFIG.tables, format=FORMATS
    )


def all_figures():
    """Return the files of every configured figure whose data are there."""
    declared = [name for name in CONFIG.tables if name not in OWN_TABLES]
    drawn = [t for t in declared if DECLARATIONS[t].figure and present_cells(t)]
    if "table5" in CONFIG.tables and PRESENT_COHORTS:
        drawn.append("cohort_flow")
    if "table2" in CONFIG.tables:
        drawn.append("convergence")
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
