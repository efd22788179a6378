"""Protocols: how a cohort is divided into train, val and test."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.cohorts.complete_test import complete_test
from fleximodal.cohorts.parts import PARTS, check_shares
from fleximodal.errors import FleximodalError

OFFICIAL_PARTS = {"a": "train", "b": "val", "c": "test"}


def make_splits(
    cohort: pl.DataFrame,
    protocol: Mapping[str, Any],
    five_random_file: Path | None = None,
    patients: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Divide a cohort by a protocol.

    Parameters
    ----------
    cohort
        stay_id, patient_id, and set for `official`.
    protocol
        `{"kind": "official"}`: the release's sets, a train, b val, c test; one split, `official`.
        `{"kind": "five-random", "splits": ["split1", ...]}`: random splits of Zhang et al.
        (Raindrop, ICLR 2022), read from `five_random_file`.
        `{"kind": "stay", "fractions": [train, val, test], "seed": s, "count": n}`: n random
        partitions of the stays, named `stay{s}`, `stay{s+1}`, ..., as FuseMoE made its one: stays
        of one patient may come apart.
        `{"kind": "patient", ...}` with the same settings: the source's division of its patients.
        `{"kind": "complete-test", "fractions": ..., "seed": s, "labels": ...}`: see
        `fleximodal.cohorts.complete_test`.
    five_random_file
        CSV with columns RecordID, split1, ...; values train, val, test.
    patients
        split, patient_id, part for all patients of the source, see `patients`; its splits count,
        the settings of `patient` having made them.

    Returns
    -------
    DataFrame
        split, stay_id, part; sorted by split and stay_id.

    Raises
    ------
    FleximodalError
        If the kind is unknown, a file does not match the cohort, or a part would be empty.
    """
    kind = protocol["kind"]
    if kind == "official":
        splits = _official(cohort)
    elif kind == "five-random":
        splits = _five_random(cohort, protocol["splits"], five_random_file)
    elif kind == "stay":
        splits = _stay(cohort, protocol["fractions"], protocol["seed"], protocol["count"])
    elif kind == "patient":
        splits = _patient(cohort, patients)
    elif kind == "complete-test":
        splits = complete_test(cohort, protocol["fractions"], protocol["seed"], protocol["labels"])
    else:
        raise FleximodalError(
            f"Unknown protocol kind {kind!r}; use official, five-random, stay, patient or "
            "complete-test."
        )
    for (name,), rows in splits.group_by("split", maintain_order=True):
        empty = [part for part in PARTS if part not in rows["part"]]
        if empty:
            raise FleximodalError(
                f"Protocol {kind}: split {name} has no stay in {', '.join(empty)}; "
                "use all sets of the source or other fractions."
            )
    return splits.select("split", "stay_id", "part").sort("split", "stay_id")


def _official(cohort: pl.DataFrame) -> pl.DataFrame:
    unknown = sorted(set(cohort["set"].to_list()) - set(OFFICIAL_PARTS))
    if unknown:
        raise FleximodalError(
            f"Protocol official knows the sets a, b and c, but the cohort has {unknown}; "
            "choose another protocol for this source."
        )
    return cohort.select(
        pl.lit("official").alias("split"),
        "stay_id",
        pl.col("set").cast(pl.String).replace_strict(OFFICIAL_PARTS).alias("part"),
    )


def _five_random(cohort: pl.DataFrame, wanted: Sequence[str], path: Path | None) -> pl.DataFrame:
    if path is None or not path.is_file():
        raise FleximodalError(f"Protocol five-random needs a file of splits, but got {path}.")
    table = pl.read_csv(path, schema_overrides={"RecordID": pl.Int64})
    absent = [name for name in ("RecordID", *wanted) if name not in table.columns]
    if absent:
        raise FleximodalError(
            f"{path} has no column {', '.join(absent)}; it has {', '.join(table.columns)}."
        )
    _same_stays(path, table["RecordID"], cohort["stay_id"])
    strange = table.filter(~pl.all_horizontal(pl.col(list(wanted)).is_in(PARTS).fill_null(False)))
    if strange.height:
        raise FleximodalError(
            f"{path}: the row of RecordID {strange['RecordID'][0]} has a value other than "
            f"train, val and test ({strange.height} such rows)."
        )
    return (
        table.select("RecordID", *wanted)
        .unpivot(index="RecordID", variable_name="split", value_name="part")
        .rename({"RecordID": "stay_id"})
    )


def _same_stays(path: Path, given: pl.Series, stays: pl.Series) -> None:
    """Require that the file lists every stay of the cohort once and no other."""
    mismatches = {
        "are repeated": given.filter(given.is_duplicated()).unique(),
        "are not in the cohort": given.filter(~given.is_in(stays.implode())),
        "of the cohort are not in the file": stays.filter(~stays.is_in(given.implode())),
    }
    told = [
        f"{ids.len()} ids {what} (first: {', '.join(map(str, ids.sort().head(5)))})"
        for what, ids in mismatches.items()
        if ids.len()
    ]
    if told:
        raise FleximodalError(
            f"{path}: {'; '.join(told)}; use the file and the sets that belong together."
        )


def _stay(cohort: pl.DataFrame, fractions: Sequence[float], seed: int, count: int) -> pl.DataFrame:
    check_shares("stay", fractions, count)
    train, val, _ = fractions
    stays = cohort["stay_id"].unique().sort().to_numpy()
    # Cut as the released code cuts, downwards, so that the sizes are the published ones.
    bounds = [int(train * len(stays)), int((train + val) * len(stays))]
    part = np.repeat(PARTS, np.diff([0, *bounds, len(stays)]))
    splits = []
    for one in range(seed, seed + count):
        order = stays.copy()
        np.random.RandomState(one).shuffle(order)
        drawn = pl.DataFrame({"stay_id": order, "part": part})
        splits.append(drawn.with_columns(split=pl.lit(f"stay{one}")))
    return pl.concat(splits)


def _patient(cohort: pl.DataFrame, patients: pl.DataFrame | None) -> pl.DataFrame:
    if patients is None:
        raise FleximodalError(
            "Protocol patient needs the source's patients divided; split the patients first."
        )
    unknown = cohort.join(patients, on="patient_id", how="anti")["patient_id"].n_unique()
    if unknown:
        raise FleximodalError(
            f"Protocol patient: {unknown} patients of the cohort are not among the divided ones; "
            "split the patients of this source again."
        )
    return cohort.select("stay_id", "patient_id").join(patients, on="patient_id")
