"""Protocols: how a cohort is divided into train, val and test."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleximodal.errors import FleximodalError

PARTS = ("train", "val", "test")
OFFICIAL_PARTS = {"a": "train", "b": "val", "c": "test"}


def make_splits(
    cohort: pl.DataFrame, protocol: Mapping[str, Any], five_random_file: Path | None = None
) -> pl.DataFrame:
    """Divide a cohort by a protocol.

    Parameters
    ----------
    cohort
        stay_id, patient_id, set.
    protocol
        `{"kind": "official"}`: the release's sets, a train, b val, c test; one split, `official`.
        `{"kind": "five-random", "splits": ["split1", ...]}`: random splits of Zhang et al.
        (Raindrop, ICLR 2022), read from `five_random_file`.
        `{"kind": "seeded", "fractions": [train, val, test], "seed": s, "count": n}`: n random
        partitions of the patients, named `seed{s}`, `seed{s+1}`, ...
    five_random_file
        CSV with columns RecordID, split1, ...; values train, val, test.

    Returns
    -------
    DataFrame
        split, stay_id, part; sorted by split and stay_id.

    Raises
    ------
    FleximodalError
        If the kind is unknown, the file does not match the cohort, or a part would be empty.
    """
    kind = protocol["kind"]
    if kind == "official":
        splits = _official(cohort)
    elif kind == "five-random":
        splits = _five_random(cohort, protocol["splits"], five_random_file)
    elif kind == "seeded":
        splits = _seeded(cohort, protocol["fractions"], protocol["seed"], protocol["count"])
    else:
        raise FleximodalError(
            f"Unknown protocol kind {kind!r}; use official, five-random or seeded."
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


def _seeded(
    cohort: pl.DataFrame, fractions: Sequence[float], seed: int, count: int
) -> pl.DataFrame:
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise FleximodalError(
            f"Protocol seeded: fractions {list(fractions)} must be three positive numbers "
            "(train, val, test) with sum 1."
        )
    if count < 1:
        raise FleximodalError(f"Protocol seeded: count {count} must be at least 1.")
    patients = cohort["patient_id"].unique().sort().to_numpy()
    bounds = np.rint(np.cumsum(fractions)[:2] * len(patients)).astype(int)
    part = np.repeat(PARTS, np.diff([0, *bounds, len(patients)]))
    splits = []
    for one in range(seed, seed + count):
        order = np.random.default_rng(one).permutation(patients)
        drawn = pl.DataFrame({"patient_id": order, "part": part})
        splits.append(
            cohort.select("stay_id", "patient_id")
            .join(drawn, on="patient_id", how="left")
            .select(pl.lit(f"seed{one}").alias("split"), "stay_id", "part")
        )
    return pl.concat(splits)
