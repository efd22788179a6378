"""Gates on the splits alone: who is in which part."""

from typing import Any

import polars as pl

from fleximodal.cohorts.counting import count
from fleximodal.cohorts.verdicts import LeakageError, passed, reported


def check_stays(splits: pl.DataFrame, cohort: pl.DataFrame) -> dict[str, Any]:
    """Fail if a stay is in two parts of a split."""
    return passed("stays-disjoint", _disjoint(splits, cohort, "stay_id"))


def check_patients(splits: pl.DataFrame, cohort: pl.DataFrame, kind: str) -> dict[str, Any]:
    """Fail if a patient is in two parts of a split; under protocol `stay` report how many are.

    The numbers are then, per split: `patients`, `shared_patients` (in two parts or more), and for
    val and test the `stays` and how many have `train_patient`, a stay of their patient in train.
    """
    if kind != "stay":
        return passed("patients-disjoint", _disjoint(splits, cohort, "patient_id"))
    members = _with_cohort(splits, cohort)
    numbers = {
        str(name): _shared(rows) for (name,), rows in members.group_by("split", maintain_order=True)
    }
    return reported("patients-disjoint", numbers)


def check_complete(splits: pl.DataFrame, cohort: pl.DataFrame) -> dict[str, Any]:
    """Fail unless each split holds every stay of the cohort once and none besides."""
    wanted = set(cohort["stay_id"].to_list())
    numbers: dict[str, Any] = {}
    for (split,), rows in splits.group_by("split", maintain_order=True):
        given = rows["stay_id"].to_list()
        strange, lost = len(set(given) - wanted), len(wanted - set(given))
        repeated = len(given) - len(set(given))
        if strange or lost or repeated:
            raise LeakageError(
                f"Split {split}: {strange} stays are not in the cohort, {lost} stays of the cohort "
                f"are lost and {repeated} rows repeat a stay; make splits and cohort agree."
            )
        members = _with_cohort(rows, cohort)
        numbers[str(split)] = {
            str(part): count(inside)
            for (part,), inside in members.sort("part").group_by("part", maintain_order=True)
        }
    return passed("cohort-complete", numbers)


def _disjoint(splits: pl.DataFrame, cohort: pl.DataFrame, unit: str) -> dict[str, int]:
    """Return the number of stays or patients per split, or fail if one is in two parts."""
    members = _with_cohort(splits, cohort).filter(pl.col(unit).is_not_null())
    parts = members.group_by("split", unit).agg(pl.col("part").n_unique())
    shared = parts.filter(pl.col("part") > 1).group_by("split").len().sort("split")
    if shared.height:
        noun = unit.removesuffix("_id")
        told = ", ".join(f"{number} in {split}" for split, number in shared.iter_rows())
        raise LeakageError(
            f"Splits share the same {noun} between parts ({told}); "
            f"put each {noun} into one part of train, val and test."
        )
    return dict(parts.group_by("split").len().sort("split").iter_rows())


def _shared(rows: pl.DataFrame) -> dict[str, Any]:
    parts = rows.group_by("patient_id").agg(pl.col("part").n_unique())
    in_train = rows.filter(part="train")["patient_id"].unique().implode()
    numbers: dict[str, Any] = {
        "patients": parts.height,
        "shared_patients": parts.filter(pl.col("part") > 1).height,
    }
    for part in ("val", "test"):
        members = rows.filter(part=part)
        numbers[part] = {
            "stays": members.height,
            "train_patient": members.filter(pl.col("patient_id").is_in(in_train)).height,
        }
    return numbers


def _with_cohort(splits: pl.DataFrame, cohort: pl.DataFrame) -> pl.DataFrame:
    return splits.join(cohort.select("stay_id", "patient_id", "label"), on="stay_id", how="left")
