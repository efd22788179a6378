"""Gates on what was fitted: scalers and encoders may have seen training data only."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.cohorts.tables import scan_table
from fleximodal.cohorts.verdicts import LeakageError, passed, reported
from fleximodal.io.manifest import hash_of


def hash_of_stays(stay_ids: Iterable[int]) -> str:
    """Return the SHA-256 of a set of stays, whatever their order."""
    return hash_of(sorted(int(stay) for stay in stay_ids))


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
    return passed("scalers-fitted-on-training", numbers)


def check_encoder_patients(
    encoder_patients: Path, splits: pl.DataFrame, cohort: pl.DataFrame, kind: str
) -> dict[str, Any]:
    """Fail if the ECG autoencoder was fitted on a patient of val or test.

    Under protocol `stay` it is reported, for the autoencoder follows the division by patient.

    Parameters
    ----------
    encoder_patients
        Parquet with column patient_id: whom the autoencoder was fitted on.
    splits, cohort
        split, stay_id, part; stay_id, patient_id.
    kind
        Kind of the protocol.
    """
    name = "autoencoder-fitted-on-training"
    fitted = scan_table(encoder_patients, ["patient_id"]).unique().collect()
    members = splits.join(cohort.select("stay_id", "patient_id"), on="stay_id")
    held_out = members.filter(pl.col("part") != "train").select("split", "part", "patient_id")
    seen = held_out.unique().join(fitted, on="patient_id", how="semi")
    numbers: dict[str, Any] = {
        str(split): {part: seen.filter(split=split, part=part).height for part in ("val", "test")}
        for split in splits["split"].unique().sort()
    }
    numbers["fitted_on"] = fitted.height
    if kind == "stay":
        return reported(name, numbers)
    if seen.height:
        told = ", ".join(
            f"{rows.height} of {part} in {split}"
            for (split, part), rows in seen.sort("split", "part").group_by(
                "split", "part", maintain_order=True
            )
        )
        raise LeakageError(
            f"{encoder_patients}: the ECG autoencoder was fitted on patients held out ({told}); "
            "train it again on patients who are in train in every split."
        )
    return passed(name, numbers)
