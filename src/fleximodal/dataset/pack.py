"""Turn canonical tables, encoded items and a cohort into the packed dataset."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.cohorts.tables import read_modalities, scan_table
from fleximodal.dataset.pack_items import pack_items, pack_vectors
from fleximodal.dataset.pack_series import pack_series
from fleximodal.dataset.pack_table import as_table, pack_table, table_files
from fleximodal.dataset.packed import Items, PackedDataset, Series, write_packed
from fleximodal.dataset.places import Places
from fleximodal.errors import FleximodalError


def pack_dataset(
    canonical: Path,
    cohort: Path,
    output: Path,
    *,
    source: str,
    task: str,
    encoders: Path | None = None,
) -> None:
    """Pack the stays of a cohort, in the cohort's order, into `dataset.safetensors`.

    Parameters
    ----------
    canonical
        Folder of canonical tables.
    cohort
        Folder with `cohort.parquet` and `task.json`, which says the unit, the window and the axis.
    output
        Folder of the dataset; made if absent, other files in it stay.
    source, task
        Names, kept in the manifest.
    encoders
        Folder with one folder of encoded items per entry of kind `vectors`; None if there is none.

    Raises
    ------
    FleximodalError
        If a table is absent, or an observation is repeated, not finite or before admission.
    """
    cohort_file, task_file = cohort / "cohort.parquet", cohort / "task.json"
    if not task_file.is_file():
        raise FleximodalError(f"{task_file} does not exist; build the cohort first.")
    meaning = json.loads(task_file.read_text(encoding="utf-8"))
    stays = scan_table(cohort_file, ["stay_id", "patient_id", "label", "hours"]).collect()
    places = Places(
        stays,
        window_hours=meaning["window_hours"],
        stretch_to=meaning["horizon_hours"] if meaning["axis"] == "stay" else None,
    )

    inputs = [cohort_file, task_file, canonical / "modalities.json"]
    packed: dict[str, Series | Items] = {}
    for modality in read_modalities(canonical, meaning["unit"]):
        table = canonical / modality.table
        arrays: Series | Items
        if modality.kind == "series":
            arrays = pack_series(table, places, modality)
        elif modality.kind == "table":
            arrays = pack_table(canonical, places, modality)
            inputs += table_files(canonical, modality)[1:]
        elif modality.kind == "items":
            arrays = pack_items(table, places, modality)
        else:
            if encoders is None or modality.encoded is None:
                raise FleximodalError(
                    f"Modality {modality.name} of source {source} needs encoded items; "
                    "encode them first."
                )
            table = encoders / modality.encoded / "items.parquet"
            arrays = pack_vectors(table.parent, places, modality.name)
        if modality.single and isinstance(arrays, Items):
            arrays = as_table(arrays)
        packed[modality.name] = arrays
        inputs.append(table)
    dataset = PackedDataset(
        source=source,
        task=task,
        horizon_hours=meaning["horizon_hours"],
        window_hours=meaning["window_hours"],
        labels=tuple(meaning["labels"]),
        stay_id=stays["stay_id"].to_numpy(),
        patient_id=stays["patient_id"].to_numpy(),
        label=_labels(stays["label"]),
        modalities=packed,
    )
    write_packed(dataset, output, inputs=list(dict.fromkeys(inputs)))


def _labels(label: pl.Series) -> np.ndarray:
    """Return labels as numbers; a class as its number in the order of the classes."""
    if isinstance(label.dtype, pl.Enum):
        return label.to_physical().cast(pl.Int8).to_numpy()
    return label.to_numpy()
