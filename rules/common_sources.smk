"""Input functions of sources, cohorts, encoders and datasets."""


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


def adni_files(wildcards):
    """Return the raw files of ADNI that are there, or the generated folder."""
    folder = _source(wildcards).folders["core"]
    if wildcards.source.startswith("synthetic-"):
        return [str(folder / name) for name in ADNI_FOLDERS]
    return [str(file) for file in _checked(find_files, folder)]


def raw_sizes(wildcards):
    """Return the size of each raw file of a user's source, in bytes, by name.

    A file that was replaced keeps its name, and may bring a time stamp older than the results.
    """
    files = {
        "physionet2012": physionet2012_files,
        "mimic4": mimic4_files,
        "mimic3": mimic3_files,
        "adni": adni_files,
    }
    generated = wildcards.source.startswith("synthetic-")
    paths = [] if generated else map(Path, files[wildcards.source](wildcards))
    return {path.name: path.stat().st_size for path in paths if path.is_file()}


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
