"""The study tables to one vector per subject: clinical forms, and biospecimens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.sources.adni.apoe import arrange_apoe
from fleximodal.sources.adni.collapse import (
    StudyTable,
    common_columns,
    merge,
    read_study_table,
    without_sentinels,
)
from fleximodal.sources.adni.encoding import Features, encode
from fleximodal.sources.adni.files import ANALYTES, APOE, CLINICAL, find_table
from fleximodal.sources.adni.linkage import link
from fleximodal.sources.adni.medication import drugs, without_records
from fleximodal.sources.adni.preparation import Preparation

#: Years of onset and diagnosis: they tell the label (left out by paper and released code alike).
LEAKAGE = ("PTCOGBEG", "PTADDX", "PTADBEG")

#: Columns that tell where, when and under which number a form was filled in (H-21).
ADMINISTRATIVE = (
    *("PHASE", "ORIGPROT", "COLPROT", "VISCODE", "VISCODE2", "VISDATE", "EXAMDATE", "RUNDATE"),
    *("APTESTDT", "BATCH", "ID", "RECNO", "SITEID", "USERDATE", "USERDATE2"),
    *("DD_CRF_VERSION_LABEL", "LANGUAGE_CODE", "HAS_QC_ERROR"),
)


@dataclass(frozen=True)
class Study:
    """Vectors of one modality, all subjects (n,) met in its tables, and counts."""

    features: Features
    seen: np.ndarray
    counts: dict[str, Any]


def clinical(folder: Path, stay_ids: pl.Series, preparation: Preparation) -> Study:
    """Read the five clinical tables.

    Parameters
    ----------
    folder
        The raw folder.
    stay_ids
        Subjects that are kept: those of whom no visit lacks a diagnosis, converters included.
    preparation
        What was chosen.

    Raises
    ------
    FleximodalError
        If a table is absent, damaged or empty; see `tables` and `collapse`.
    """
    tables = {name: _read(find_table(folder, "clinical", name), preparation) for name in CLINICAL}
    multihot = preparation.medication == "multihot"
    medication = tables["RECCMEDS"]
    if multihot:
        tables["RECCMEDS"] = without_records(medication)
    study = _study(list(tables.values()), stay_ids, preparation, "clinical tables")
    if not multihot:
        return study
    wider = study.features.beside(drugs(medication, stay_ids))
    return Study(wider, study.seen, study.counts)


def biospecimen(folder: Path, stay_ids: pl.Series, preparation: Preparation) -> Study:
    """Read the results of APOE and the analytes of cerebrospinal fluid; see `clinical`."""
    apoe = _read(find_table(folder, "biospecimen", APOE), preparation)
    unlinked = _read(find_table(folder, "biospecimen", ANALYTES), preparation, linked=False)
    analytes, lost = link(unlinked, apoe, preparation.linkage)
    tables = [arrange_apoe(apoe, preparation.apoe), analytes]
    study = _study(tables, stay_ids, preparation, "biospecimen tables")
    return Study(study.features, study.seen, study.counts | {"rows_without_subject": lost})


def _read(path: Path, preparation: Preparation, *, linked: bool = True) -> StudyTable:
    table = read_study_table(path, linked=linked)
    return without_sentinels(table) if preparation.sentinels == "missing" else table


def _study(
    tables: list[StudyTable], stay_ids: pl.Series, preparation: Preparation, where: str
) -> Study:
    common = common_columns(tables)
    merged = merge(tables)
    seen = merged.rows["stay_id"].to_numpy()
    dropped = [*common, *LEAKAGE]
    if preparation.administrative == "drop":
        dropped += ADMINISTRATIVE
    kept = merged.without(dropped).of(stay_ids)
    features = encode(kept, preparation.max_categories, where)
    counts = {
        "subjects": len(seen),
        "subjects_kept": len(features.stay_id),
        "features": len(features.names),
        "dropped": sorted(set(dropped).intersection(name for t in tables for name in t.raw)),
        "left_out": features.left_out,
    }
    return Study(features, seen, counts)
