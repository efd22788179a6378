"""Where the raw files of a source are: as configured, or found in the data folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleximodal.config.schema import Config
from fleximodal.errors import FleximodalError
from fleximodal.sources.adni.files import DIAGNOSIS


@dataclass(frozen=True)
class Module:
    """A folder of raw files.

    `key` names it in the configuration; `places` are the names it has when downloaded, best first;
    `tables` the files (with or without .gz, in upper or lower case) that show it is the one.
    """

    key: str
    places: tuple[str, ...]
    tables: tuple[str, ...]


MIMIC4 = {
    "core": Module(
        "sources.mimic4.folder",
        (
            *("mimiciv/3.1", "mimiciv/2.2", "mimic-iv-3.1", "mimic-iv-2.2", "mimic-iv"),
            *("mimic-iv-demo/2.2", "mimic-iv-clinical-database-demo-2.2"),
        ),
        ("hosp/admissions.csv", "icu/icustays.csv"),
    ),
    "note": Module(
        "sources.mimic4.note_folder",
        (
            *("mimic-iv-note/2.2", "mimic-iv-note-2.2", "mimic-iv-note"),
            "mimic-iv-note-deidentified-free-text-clinical-notes-2.2",
        ),
        ("note/radiology.csv",),
    ),
    "cxr": Module(
        "sources.mimic4.cxr_folder",
        (
            *("mimic-cxr-jpg/2.1.0", "mimic-cxr-jpg/2.0.0", "mimic-cxr-jpg-2.1.0"),
            *("mimic-cxr-jpg-2.0.0", "mimic-cxr-jpg"),
            "mimic-cxr-jpg-chest-radiographs-with-structured-labels-2.1.0",
            "mimic-cxr-jpg-chest-radiographs-with-structured-labels-2.0.0",
        ),
        ("mimic-cxr-2.0.0-metadata.csv",),
    ),
    "ecg": Module(
        "sources.mimic4.ecg_folder",
        (
            *("mimic-iv-ecg/1.0", "mimic-iv-ecg-1.0", "mimic-iv-ecg"),
            "mimic-iv-ecg-diagnostic-electrocardiogram-matched-subset-1.0",
        ),
        ("record_list.csv",),
    ),
}
PHYSIONET2012 = "physionet-challenge-2012"
ADNI = "adni"
SETS = ("a", "b", "c")
MIMIC3 = Module(
    "sources.mimic3.folder",
    (
        *("mimiciii/1.4", "mimic-iii-clinical-database-1.4", "mimic-iii-1.4", "mimic-iii"),
        *("mimiciii-demo/1.4", "mimic-iii-clinical-database-demo-1.4"),
    ),
    ("ICUSTAYS.csv", "CHARTEVENTS.csv"),
)


def raw_file(folder: Path, name: str) -> Path | None:
    """Return the file `name` of `folder`, plain or .gz, in either case; None if absent."""
    path = folder / name
    stems = dict.fromkeys([path.stem, path.stem.lower(), path.stem.upper()])
    for stem in stems:
        for suffix in (f"{path.suffix}.gz", path.suffix):
            candidate = path.with_name(stem + suffix)
            if candidate.is_file():
                return candidate
    return None


def find_mimic4(config: Config) -> dict[str, Path]:
    """Return the folder of each module of MIMIC-IV that is there; empty without `core`.

    Raises
    ------
    FleximodalError
        If a configured folder does not exist or lacks the files of its module.
    """
    section = config.sources.mimic4
    given = {
        "core": section.folder,
        "note": section.note_folder,
        "cxr": section.cxr_folder,
        "ecg": section.ecg_folder,
    }
    found = {name: find_module(config, MIMIC4[name], given[name]) for name in MIMIC4}
    there = {name: folder for name, folder in found.items() if folder is not None}
    return there if "core" in there else {}


def find_mimic3(config: Config) -> Path | None:
    """Return the folder of MIMIC-III, None if it is neither configured nor found.

    Raises
    ------
    FleximodalError
        As `find_mimic4`.
    """
    return find_module(config, MIMIC3, config.sources.mimic3.folder)


def find_adni(config: Config) -> Path | None:
    """Return the folder of ADNI, None if it is neither configured nor found.

    Raises
    ------
    FleximodalError
        If a configured folder does not exist or has no table of diagnoses.
    """
    pattern = f"diagnosis/{DIAGNOSIS}_*.csv"
    given = config.sources.adni.folder
    if given is not None:
        folder = Path(given)
        if not any(folder.glob(pattern)):
            what = f"has no {pattern}" if folder.is_dir() else "is not a folder"
            raise FleximodalError(
                f"configuration: sources.adni.folder: {folder} {what}; "
                "give the folder that holds diagnosis/ and clinical/"
            )
        return folder
    places = (folder / ADNI for folder in data_folders(config))
    return next((place for place in places if any(place.glob(pattern))), None)


def find_module(config: Config, module: Module, given: str | None) -> Path | None:
    """Return the folder `given`, or the first of the module's places in the data folders."""
    if given is not None:
        folder = Path(given)
        if not folder.is_dir():
            raise FleximodalError(
                f"configuration: {module.key}: {folder} is not a folder; "
                f"give the folder that holds {module.tables[0]}.gz"
            )
        missing = [name for name in module.tables if raw_file(folder, name) is None]
        if missing:
            raise FleximodalError(
                f"configuration: {module.key}: {folder} has no {missing[0]}.gz; "
                "give the folder that holds it"
            )
        return folder
    for folder in data_folders(config):
        for place in module.places:
            if all(raw_file(folder / place, name) for name in module.tables):
                return folder / place
    return None


def data_folders(config: Config) -> Sequence[Path]:
    """Return the folders that are searched, that of FLEXIMODAL_DATA first."""
    first = os.environ.get("FLEXIMODAL_DATA")
    return [Path(folder) for folder in ([first] if first else []) + config.data_folders]


def find_physionet2012(config: Config) -> Path | None:
    """Return the folder of PhysioNet 2012, None if it is neither configured nor found whole.

    Raises
    ------
    FleximodalError
        If a folder is configured but does not exist, or lacks a part of the release.
    """
    configured = config.sources.physionet2012.folder
    if configured is not None:
        if not Path(configured).is_dir():
            raise FleximodalError(
                f"configuration: sources.physionet2012.folder: {configured} is not a folder; "
                "give the folder that holds set-a.tar.gz and Outcomes-a.txt"
            )
        missing = _missing_parts(Path(configured))
        if missing:
            raise FleximodalError(
                f"configuration: sources.physionet2012.folder: {configured} has no {missing[0]}; "
                "it must hold set-a, set-b, set-c (.tar.gz or unpacked) and Outcomes-a.txt, "
                "Outcomes-b.txt, Outcomes-c.txt"
            )
        return Path(configured)
    for folder in data_folders(config):
        candidate = folder / PHYSIONET2012
        if candidate.is_dir() and not _missing_parts(candidate):
            return candidate
    return None


def _missing_parts(folder: Path) -> list[str]:
    parts = [f"Outcomes-{letter}.txt" for letter in SETS]
    missing = [name for name in parts if not (folder / name).is_file()]
    for letter in SETS:
        if (
            not (folder / f"set-{letter}.tar.gz").is_file()
            and not (folder / f"set-{letter}").is_dir()
        ):
            missing.append(f"set-{letter}.tar.gz")
    return missing
