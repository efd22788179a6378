"""Which sources a run has, and which of their modalities."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleximodal.cohorts.registry import find_task
from fleximodal.config.folders import (
    find_adni,
    find_mimic3,
    find_mimic4,
    find_physionet2012,
    raw_file,
)
from fleximodal.config.schema import Config
from fleximodal.sources.adni.files import has

PHYSIONET2012_MODALITIES = ("vitals", "labs", "ventilation", "static")
ADNI_MODALITIES = ("image", "genomic", "clinical", "biospecimen")
MIMIC4_MODALITIES = {"core": "vitals", "note": "notes", "cxr": "cxr", "ecg": "ecg"}


@dataclass(frozen=True)
class Available:
    """A source that is there: folders of raw files by module, modalities by unit, in order."""

    name: str
    folders: Mapping[str, Path]
    modalities: Mapping[str, tuple[str, ...]]

    def has(self, task: str, modalities: str) -> bool:
        """Tell whether all of the `+`-joined modalities exist for the unit of `task`."""
        return set(modalities.split("+")) <= set(self.modalities[find_task(self.name, task).unit])


def available_sources(config: Config, raw: Path) -> dict[str, Available]:
    """Return the sources of a run by name, generated ones first.

    Parameters
    ----------
    config
        The configuration.
    raw
        Folder that generated raw files are written to.

    Raises
    ------
    FleximodalError
        If a configured folder is not what it should be.
    """
    everything = {"stay": PHYSIONET2012_MODALITIES}
    hospital = raw / "synthetic-hospital"
    generated = {
        "core": hospital / "mimic-iv",
        "note": hospital / "mimic-iv-note",
        "cxr": hospital / "mimic-cxr-jpg",
        "ecg": hospital / "mimic-iv-ecg",
    }
    all_units = {
        "stay": tuple(MIMIC4_MODALITIES.values()),
        "admission": ("labs", "notes", "codes"),
    }
    cohort = {"core": raw / "synthetic-physionet2012"}
    found = [
        Available("synthetic-physionet2012", cohort, everything),
        Available("synthetic-mimic4", generated, all_units),
        Available(
            "synthetic-mimic3", {"core": hospital / "mimic-iii"}, {"stay": ("vitals", "notes")}
        ),
        Available("synthetic-adni", {"core": raw / "synthetic-adni"}, {"subject": ADNI_MODALITIES}),
    ]
    release = find_physionet2012(config)
    if release is not None:
        found.append(Available("physionet2012", {"core": release}, everything))
    folders = find_mimic4(config)
    if folders:
        found.append(Available("mimic4", folders, _mimic4_modalities(folders)))
    mimic3 = find_mimic3(config)
    if mimic3 is not None:
        notes = ("notes",) if _has_rows(mimic3, "NOTEEVENTS.csv") else ()
        found.append(Available("mimic3", {"core": mimic3}, {"stay": ("vitals", *notes)}))
    adni = find_adni(config)
    if adni is not None:
        there = tuple(name for name in ADNI_MODALITIES if has(adni, name))
        found.append(Available("adni", {"core": adni}, {"subject": there}))
    return {source.name: source for source in found}


def _mimic4_modalities(folders: Mapping[str, Path]) -> dict[str, tuple[str, ...]]:
    stay = tuple(name for module, name in MIMIC4_MODALITIES.items() if module in folders)
    discharge = "note" in folders and _has_rows(folders["note"], "note/discharge.csv")
    return {"stay": stay, "admission": ("labs", *(("notes",) if discharge else ()), "codes")}


def _has_rows(folder: Path, name: str) -> bool:
    """Tell whether a table is there and has a line after its header."""
    file = raw_file(folder, name)
    if file is None:
        return False
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as lines:
        return len([line for line, _ in zip(lines, range(2), strict=False)]) == 2
