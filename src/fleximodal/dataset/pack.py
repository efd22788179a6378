"""Turn canonical tables and a cohort into the packed dataset."""

from pathlib import Path

import numpy as np
import polars as pl

from fleximodal.cohorts.tables import Modality, read_modalities, scan_table
from fleximodal.dataset.packed import Items, PackedDataset, Series, write_packed
from fleximodal.errors import FleximodalError


def pack_dataset(
    canonical: Path,
    cohort: Path,
    output: Path,
    *,
    source: str,
    task: str,
    horizon_hours: float = 48.0,
) -> None:
    """Pack the stays of a cohort, in the cohort's order, into `dataset.safetensors`.

    Parameters
    ----------
    canonical
        Folder of canonical tables.
    cohort
        Folder with `cohort.parquet`.
    output
        Folder of the dataset; made if absent, other files in it stay.
    source, task
        Names, kept in the manifest.
    horizon_hours
        End of the observation window; also the unit of the models' time axis.

    Raises
    ------
    FleximodalError
        If a table is absent, or an observation is repeated, not finite or outside the window.
    """
    cohort_file = cohort / "cohort.parquet"
    stays = scan_table(cohort_file, ["stay_id", "patient_id", "label"]).collect()
    modalities = read_modalities(canonical)
    places = stays.select("stay_id").with_row_index("position")

    packed: dict[str, Series | Items] = {}
    for modality in modalities:
        path = canonical / modality.table
        if modality.kind == "series":
            packed[modality.name] = _pack_series(path, places, modality, horizon_hours)
        else:
            packed[modality.name] = _pack_items(path, places, modality)
    dataset = PackedDataset(
        source=source,
        task=task,
        horizon_hours=horizon_hours,
        stay_id=stays["stay_id"].to_numpy(),
        patient_id=stays["patient_id"].to_numpy(),
        label=stays["label"].to_numpy(),
        modalities=packed,
    )
    tables = {modality.table for modality in modalities} | {"modalities.json"}
    inputs = [canonical / name for name in sorted(tables)]
    write_packed(dataset, output, inputs=[*inputs, cohort_file])


def _pack_series(
    path: Path, places: pl.DataFrame, modality: Modality, horizon_hours: float
) -> Series:
    numbers = {name: number for number, name in enumerate(modality.columns)}
    events = (
        scan_table(path, ["stay_id", "hours", "channel", "value"])
        .filter(pl.col("channel").is_in(list(numbers)))
        .join(places.lazy(), on="stay_id", how="inner")
        .select(
            "position",
            "hours",
            pl.col("channel").cast(pl.String).replace_strict(numbers, return_dtype=pl.Int16),
            "value",
        )
        .sort("position", "hours", "channel")
        .collect()
    )
    position = events["position"].to_numpy()
    hours = events["hours"].cast(pl.Float32).to_numpy()
    channel = events["channel"].to_numpy()
    value = events["value"].cast(pl.Float32).to_numpy()

    new_row = np.ones(len(position), dtype=bool)
    new_row[1:] = (position[1:] != position[:-1]) | (hours[1:] != hours[:-1])
    repeated = int((~new_row[1:] & (channel[1:] == channel[:-1])).sum())
    outside = int((~((hours >= 0) & (hours <= horizon_hours))).sum())
    infinite = int((~np.isfinite(value)).sum())
    if repeated or outside or infinite:
        raise FleximodalError(
            f"{path}: modality {modality.name} has {repeated} observations repeated at one time, "
            f"{outside} outside 0 to {horizon_hours:g} hours and {infinite} not finite; "
            "clean them when the canonical tables are made."
        )
    first = np.flatnonzero(new_row)
    return Series(
        name=modality.name,
        channels=modality.columns,
        row_offsets=_offsets(position[first], places.height),
        hours=hours[first],
        observation_offsets=np.append(first, len(position)).astype(np.int64),
        channel=channel,
        value=value,
    )


def _pack_items(path: Path, places: pl.DataFrame, modality: Modality) -> Items:
    features = pl.col(list(modality.columns)).cast(pl.Float32).fill_null(float("nan"))
    rows = (
        scan_table(path, ["stay_id", *modality.columns])
        .join(places.lazy(), on="stay_id", how="inner", maintain_order="left")
        .select("position", features)
        .sort("position", maintain_order=True)
        .collect()
    )
    return Items(
        name=modality.name,
        features=modality.columns,
        row_offsets=_offsets(rows["position"].to_numpy(), places.height),
        hours=np.zeros(rows.height, dtype=np.float32),  # known at admission
        features_array=rows.select(modality.columns).to_numpy(),
    )


def _offsets(owner: np.ndarray, owners: int) -> np.ndarray:
    """Return the (owners + 1,) bounds of each owner's block in an ascending list of owners."""
    counts = np.bincount(owner, minlength=owners)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
