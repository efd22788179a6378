"""The canonical tables of ADNI: one row per subject, and one vector per modality and subject."""

from pathlib import Path

from fleximodal.io.atomic import atomic_folder
from fleximodal.sources.adni.extraction import Extraction
from fleximodal.sources.adni.files import find_files
from fleximodal.sources.adni.preparation import Preparation
from fleximodal.sources.adni.study import biospecimen, clinical


def write_canonical(folder: Path, output: Path, *, source: str, preparation: Preparation) -> None:
    """Read the raw files of ADNI and write the folder of canonical tables, all of it or nothing.

    Parameters
    ----------
    folder
        Folder with `diagnosis/` and `clinical/`, and where they are there `biospecimen/`,
        `genomic/` and `image/`; a modality whose folder is absent is not written.
    output
        Folder to write: `stays.parquet`, `events.parquet` without rows, the three files of each
        modality, `modalities.json`, `counts.json`, `manifest.json`. An existing one is replaced as
        a whole.
    source
        Name of the source; one that starts with "synthetic-" was generated.
    preparation
        What was chosen.

    Raises
    ------
    FleximodalError
        If a file is absent, damaged, empty or at odds with another one.
    """
    folder, output = Path(folder), Path(output)
    find_files(folder)
    with atomic_folder(output) as target:
        run = Extraction(folder, target, preparation)
        run.read_labels()
        run.write_image()
        run.write_genomic()
        run.write_study("clinical", clinical)
        run.write_study("biospecimen", biospecimen)
        run.finish(source)
