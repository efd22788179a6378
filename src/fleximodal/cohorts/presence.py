"""Which modalities a stay or admission has within the window."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from fleximodal.cohorts.tables import Modality, columns_of, scan_table


def with_presence(
    units: pl.DataFrame,
    canonical: Path,
    modalities: Sequence[Modality],
    window_hours: float | None,
) -> pl.DataFrame:
    """Add a flag `has_{name}` per modality: at least one item or row within the window.

    Parameters
    ----------
    units
        stay_id, the id of the stay or admission.
    canonical, modalities
        Folder of canonical tables, and the modalities to look for there.
    window_hours
        Last hour that counts, itself included; None counts the whole stay.

    Raises
    ------
    FleximodalError
        If a canonical table or column is absent.
    """
    for modality in modalities:
        present = _units_with(canonical, modality, window_hours)
        flag = pl.col("stay_id").is_in(present.implode())
        units = units.with_columns(flag.alias(f"has_{modality.name}"))
    return units


def any_series(modalities: Sequence[Modality]) -> pl.Expr:
    """Return the condition that a row has at least one of the series."""
    series = [f"has_{modality.name}" for modality in modalities if modality.kind == "series"]
    return pl.any_horizontal(series)


def _units_with(canonical: Path, modality: Modality, window_hours: float | None) -> pl.Series:
    """Return the ids of those with at least one item or row of the modality."""
    path = canonical / modality.table
    known = columns_of(path)
    # Codes belong to the admission, everything else names the unit in stay_id.
    unit = "stay_id" if "stay_id" in known else "admission_id"
    condition = pl.lit(True)
    needed = [unit]
    if modality.kind == "series":
        needed += ["channel", "hours"]
        condition &= pl.col("channel").is_in(list(modality.columns))
    elif "hours" in known:
        needed.append("hours")
    if modality.kind == "items":
        # A row of nothing but unknown values tells nothing.
        needed += [name for name in modality.columns if name not in needed]
        condition &= pl.any_horizontal(pl.col(list(modality.columns)).is_not_null())
    if "hours" in needed:
        condition &= pl.col("hours") >= 0
        if window_hours is not None:
            condition &= pl.col("hours") <= window_hours
    rows = scan_table(path, needed).filter(condition).select(pl.col(unit).unique())
    return rows.collect(engine="streaming")[unit]
