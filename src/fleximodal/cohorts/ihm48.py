"""Task `48-IHM`: death in hospital, from the first 48 hours of the stay."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from fleximodal.cohorts.tables import Modality, scan_table


def build_ihm48(
    canonical: Path, modalities: Sequence[Modality]
) -> tuple[pl.DataFrame, list[dict[str, object]]]:
    """Build the cohort of in-hospital death within stays observed for 48 hours.

    Every stay of the source lasts at least 48 hours. Records without any time series are left out,
    as in the literature on PhysioNet 2012, and so are stays whose outcome is unknown.

    Parameters
    ----------
    canonical
        Folder of canonical tables.
    modalities
        The source's modalities; each gives one column `has_{name}`: at least one row of it.

    Returns
    -------
    cohort
        stay_id, patient_id, set, label (1 died in hospital) and the flags, sorted by stay_id.
    flow
        One entry per step of selection, in order: step, stays, patients, positive.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    columns = ["stay_id", "patient_id", "set", "in_hospital_death"]
    stays = scan_table(canonical / "stays.parquet", columns).collect().sort("stay_id")
    stays = stays.rename({"in_hospital_death": "label"}).cast({"label": pl.Int8})
    for modality in modalities:
        present = _stays_with(canonical, modality)
        stays = stays.with_columns(
            pl.col("stay_id").is_in(present.implode()).alias(f"has_{modality.name}")
        )
    any_series = pl.any_horizontal(
        [f"has_{modality.name}" for modality in modalities if modality.kind == "series"]
    )
    flow = [_step("all records", stays)]
    stays = stays.filter(any_series)
    flow.append(_step("with any time series", stays))
    stays = stays.filter(pl.col("label").is_not_null())
    flow.append(_step("with known outcome", stays))
    return stays, flow


def _stays_with(canonical: Path, modality: Modality) -> pl.Series:
    """Return the ids of stays with at least one row of the modality."""
    if modality.kind == "series":
        rows = scan_table(canonical / modality.table, ["stay_id", "channel"])
        rows = rows.filter(pl.col("channel").is_in(list(modality.columns)))
    else:
        rows = scan_table(canonical / modality.table, ["stay_id"])
    return rows.select(pl.col("stay_id").unique()).collect()["stay_id"]


def _step(name: str, stays: pl.DataFrame) -> dict[str, object]:
    return {
        "step": name,
        "stays": stays.height,
        "patients": stays["patient_id"].n_unique(),
        "positive": int(stays["label"].cast(pl.Int64).sum()),
    }
