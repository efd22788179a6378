"""The four modules of MIMIC-IV as PhysioNet ships them, each in a folder of its own."""

from dataclasses import dataclass
from pathlib import Path

from fleximodal.errors import FleximodalError
from fleximodal.sources.mimic.tables import find_table

METADATA = "mimic-cxr-2.0.0-metadata"


@dataclass(frozen=True)
class Mimic4Folders:
    """Where the modules are; None for a module that is not there.

    Parameters
    ----------
    core
        Folder of MIMIC-IV, with `hosp/` and `icu/`.
    note
        Folder of MIMIC-IV-Note, with `note/radiology.csv.gz` and `note/discharge.csv.gz`, or with
        these files themselves; one of the two is enough.
    cxr
        Folder of MIMIC-CXR-JPG, with `mimic-cxr-2.0.0-metadata.csv.gz` and `files/`.
    ecg
        Folder of MIMIC-IV-ECG, with `record_list.csv` and `files/`.
    """

    core: Path
    note: Path | None = None
    cxr: Path | None = None
    ecg: Path | None = None

    def hosp(self, name: str) -> Path:
        """Return the path of a table of `hosp/`, or raise a FleximodalError."""
        return _required(Path(self.core) / "hosp", name)

    def icu(self, name: str) -> Path:
        """Return the path of a table of `icu/`, or raise a FleximodalError."""
        return _required(Path(self.core) / "icu", name)

    def item_labels(self) -> Path | None:
        """Return the path of `icu/d_items`, or None: without it the known items are used."""
        return find_table(Path(self.core) / "icu", "d_items")

    def radiology(self) -> Path | None:
        """Return the path of the radiology reports, or None if there are none."""
        return self._note("radiology")

    def discharge(self) -> Path | None:
        """Return the path of the discharge summaries, or None if there are none."""
        return self._note("discharge")

    def images(self) -> Path | None:
        """Return the path of the table of radiographs, or None without the module."""
        return None if self.cxr is None else _required(Path(self.cxr), METADATA)

    def ecgs(self) -> Path | None:
        """Return the path of the table of ECG records, or None without the module."""
        return None if self.ecg is None else _required(Path(self.ecg), "record_list")

    def check(self) -> None:
        """Raise a FleximodalError unless every folder that is given holds its tables."""
        for name in ("patients", "admissions", "diagnoses_icd", "labevents"):
            self.hosp(name)
        for name in ("icustays", "chartevents"):
            self.icu(name)
        self.images()
        self.ecgs()
        if self.note is not None and self.radiology() is None and self.discharge() is None:
            _required(Path(self.note) / "note", "radiology")

    def _note(self, name: str) -> Path | None:
        if self.note is None:
            return None
        return find_table(Path(self.note) / "note", name) or find_table(Path(self.note), name)


def _required(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise FleximodalError(
            f"The folder {folder} does not exist; give the folder that PhysioNet ships, with "
            f"{name}.csv.gz in {folder.name}/."
        )
    path = find_table(folder, name)
    if path is None:
        raise FleximodalError(
            f"{folder} holds neither {name}.csv.gz nor {name}.csv; fetch the table or give the "
            "right folder."
        )
    return path
