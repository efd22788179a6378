"""Gates against leakage: each returns its verdict with numbers, or fails the build."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.cohorts.tables import scan_table
from fleximodal.errors import FleximodalError
from fleximodal.io.manifest import hash_of


class LeakageError(FleximodalError):
    """Information of validation, test or the future has reached the training data."""


def _passed(name: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "verdict": "passed", "numbers": dict(numbers)}


def hash_of_stays(stay_ids: Iterable[int]) -> str:
    """Return the SHA-256 of a set of stays, whatever their order."""
    return hash_of(sorted(int(stay) for stay in stay_ids))


def check_window(events: Path, horizon_hours: float) -> dict[str, Any]:
    """Fail if an observation of `events.parquet` is not within [0, `horizon_hours`] hours."""
    hours = pl.col("hours")
    numbers = (
        scan_table(events, ["hours"])
        .select(
            observations=pl.len(),
            before=(hours < 0).sum(),
            after=(hours > horizon_hours).sum(),
            undated=(hours.is_null() | hours.is_nan()).sum(),
        )
        .collect()
        .row(0, named=True)
    )
    if numbers["before"] or numbers["after"] or numbers["undated"]:
        raise LeakageError(
            f"{events}: {numbers['after']} observations after {horizon_hours:g} hours, "
            f"{numbers['before']} before admission and {numbers['undated']} without a time; "
            "clean them when the canonical tables are made."
        )
    return _passed("events-within-window", {**numbers, "horizon_hours": horizon_hours})


def check_disjoint(splits: pl.DataFrame, cohort: pl.DataFrame, unit: str) -> dict[str, Any]:
    """Fail if a stay or patient (`unit`: `stay_id` or `patient_id`) is in two parts of a split."""
    members = _with_cohort(splits, cohort).filter(pl.col(unit).is_not_null())
    parts = members.group_by("split", unit).agg(pl.col("part").n_unique())
    shared = parts.filter(pl.col("part") > 1).group_by("split").len().sort("split")
    if shared.height:
        noun = unit.removesuffix("_id")
        told = ", ".join(f"{count} in {split}" for split, count in shared.iter_rows())
        raise LeakageError(
            f"Splits share the same {noun} between parts ({told}); "
            f"put each {noun} into one part of train, val and test."
        )
    numbers = parts.group_by("split").len().sort("split")
    return _passed(f"{unit.removesuffix('_id')}s-disjoint", dict(numbers.iter_rows()))


def check_complete(splits: pl.DataFrame, cohort: pl.DataFrame) -> dict[str, Any]:
    """Fail unless each split holds every stay of the cohort once and none besides."""
    wanted = set(cohort["stay_id"].to_list())
    for (split,), rows in splits.group_by("split", maintain_order=True):
        given = rows["stay_id"].to_list()
        strange, lost = len(set(given) - wanted), len(wanted - set(given))
        repeated = len(given) - len(set(given))
        if strange or lost or repeated:
            raise LeakageError(
                f"Split {split}: {strange} stays are not in the cohort, {lost} stays of the cohort "
                f"are lost and {repeated} rows repeat a stay; make splits and cohort agree."
            )
    counts = (
        _with_cohort(splits, cohort)
        .group_by("split", "part")
        .agg(
            stays=pl.len(),
            patients=pl.col("patient_id").n_unique(),
            positive=pl.col("label").cast(pl.Int64).sum(),
        )
        .sort("split", "part")
    )
    numbers: dict[str, Any] = {}
    for row in counts.iter_rows(named=True):
        numbers.setdefault(row.pop("split"), {})[row.pop("part")] = row
    return _passed("cohort-complete", numbers)


def check_scalers(splits: pl.DataFrame, scalers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Fail unless each scaler was fitted on exactly the training stays of its split.

    Parameters
    ----------
    splits
        Columns split, stay_id, part.
    scalers
        The content of `scalers.json`: per split `fitted_on`, `n_stays` and `stays_sha256`.
    """
    names = splits["split"].unique().sort().to_list()
    if sorted(scalers) != names:
        raise LeakageError(
            f"Scalers exist for {', '.join(sorted(scalers)) or 'no split'} but the splits are "
            f"{', '.join(names)}; fit one scaler per split."
        )
    numbers = {}
    for name in names:
        training = splits.filter((pl.col("split") == name) & (pl.col("part") == "train"))
        stays, scaler = training["stay_id"].to_list(), scalers[name]
        same = (
            scaler["fitted_on"] == "train"
            and scaler["n_stays"] == len(stays)
            and scaler["stays_sha256"] == hash_of_stays(stays)
        )
        if not same:
            raise LeakageError(
                f"The scaler of {name} was fitted on {scaler['n_stays']} stays of part "
                f"{scaler['fitted_on']!r}, which are not the {len(stays)} training stays; "
                "fit it again on the training part."
            )
        numbers[name] = {"n_stays": len(stays)}
    return _passed("scalers-fitted-on-training", numbers)


def _with_cohort(splits: pl.DataFrame, cohort: pl.DataFrame) -> pl.DataFrame:
    return splits.join(cohort.select("stay_id", "patient_id", "label"), on="stay_id", how="left")
