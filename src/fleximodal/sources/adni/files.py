"""Where the raw files of ADNI are, and which of them are there."""

from collections.abc import Sequence
from pathlib import Path

from fleximodal.errors import FleximodalError

DIAGNOSIS = "DXSUM_PDXCONV"
CLINICAL = ("MEDHIST", "NEUROEXM", "PTDEMOG", "RECCMEDS", "VITALS")
APOE, ANALYTES = "APOERES", "UPENNBIOMK_ROCHE_ELECSYS"
FREESURFER = "UCSFFSX7"
RAVENS_ARRAY, RAVENS_SUBJECTS = "ADNI_G.npy", "ADNI_subj.txt"


def find_files(folder: Path) -> list[Path]:
    """Return the raw files that are there, sorted within each folder.

    Raises
    ------
    FleximodalError
        If the folder, a table of `diagnosis/` or `clinical/`, or a table of an existing
        `biospecimen/` is absent, or there are two files of one table.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FleximodalError(
            f"The folder {folder} does not exist; give the folder with diagnosis/ and clinical/."
        )
    files = [find_table(folder, "diagnosis", DIAGNOSIS)]
    files += [find_table(folder, "clinical", name) for name in CLINICAL]
    if has(folder, "biospecimen"):
        files += [find_table(folder, "biospecimen", name) for name in (APOE, ANALYTES)]
    for group, patterns in (
        ("genomic", ("*.bed", "*.bim", "*.fam", "*.chain*")),
        ("image", (f"{FREESURFER}_*.csv", RAVENS_ARRAY, RAVENS_SUBJECTS, "*.nii", "*.nii.gz")),
    ):
        files += sorted(file for pattern in patterns for file in (folder / group).glob(pattern))
    return files


def has(folder: Path, group: str) -> bool:
    """Return whether the folder of an optional modality is there."""
    return (folder / group).is_dir()


def find_table(folder: Path, group: str, name: str) -> Path:
    """Return the one file `<group>/<name>_<date>.csv`, or raise a FleximodalError."""
    return only(folder / group, [f"{name}_*.csv"])


def only(folder: Path, patterns: Sequence[str]) -> Path:
    """Return the one file of a folder that fits one of the patterns, or raise a FleximodalError."""
    found = sorted(file for pattern in patterns for file in folder.glob(pattern))
    if len(found) == 1:
        return found[0]
    wanted = " or ".join(patterns)
    if not found:
        raise FleximodalError(f"{folder} holds no file {wanted}; put it there as ADNI ships it.")
    names = ", ".join(file.name for file in found)
    raise FleximodalError(f"{folder} holds more than one file {wanted} ({names}); keep one.")
