"""The canonical tables of a release in the layout of PhysioNet/CinC Challenge 2012."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.errors import FleximodalError
from fleximodal.io.atomic import atomic_folder, write_json
from fleximodal.io.manifest import write_manifest
from fleximodal.sources.physionet2012.channels import STATIC_FEATURES, modalities
from fleximodal.sources.physionet2012.cleaning import clean
from fleximodal.sources.physionet2012.files import (
    SETS,
    check_release,
    outcomes_path,
    read_records,
)
from fleximodal.sources.physionet2012.outcomes import check_same_records, read_outcomes
from fleximodal.sources.physionet2012.records import parse_records


@dataclass(frozen=True)
class _Set:
    stays: pl.DataFrame
    events: pl.DataFrame
    counts: dict[str, Any]
    digest: str
    inputs: list[Path]


def write_canonical(
    release: Path, output: Path, *, source: str, sets: Sequence[str] = SETS
) -> None:
    """Read a release folder and write the folder of canonical tables, all of it or nothing.

    Parameters
    ----------
    release
        Folder with `set-x.tar.gz` (or unpacked `set-x/`) and `Outcomes-x.txt` for each set.
    output
        Folder to write: `stays.parquet`, `events.parquet`, `static.parquet`, `modalities.json`,
        `counts.json`, `manifest.json`. An existing one is replaced as a whole.
    source
        Name of the source, recorded in the manifest.
    sets
        Which of the sets a, b, c are read; all are required.

    Raises
    ------
    FleximodalError
        If the release is incomplete or damaged; see `files`, `records` and `outcomes`.
    """
    release, output = Path(release), Path(output)
    check_release(release, sets)
    parts = {name: _read_set(release, name) for name in sorted(sets)}
    stays = pl.concat(part.stays for part in parts.values()).sort("stay_id")
    twice = stays.filter(pl.col("stay_id").is_duplicated())
    if twice.height:
        record, *_ = twice.row(0)
        in_sets = " and ".join(twice.filter(pl.col("stay_id") == record)["set"])
        raise FleximodalError(
            f"{release}: record {record} is in the sets {in_sets}; remove it from one of them."
        )
    # Record ids ascend within a set, and usually over the sets: sorting is then a check only.
    events = pl.concat(part.events for part in parts.values()).sort(
        "stay_id", "hours", "channel", maintain_order=True
    )
    static = _static(stays)
    with atomic_folder(output) as folder:
        tables = {
            "stays.parquet": _public(stays),
            "events.parquet": events,
            "static.parquet": static,
        }
        for name, table in tables.items():
            table.write_parquet(folder / name)
        write_json(folder / "modalities.json", modalities())
        by_set = {name: part.counts for name, part in parts.items()}
        release_name = "generated" if source.startswith("synthetic-") else "PhysioNet 2012"
        write_json(
            folder / "counts.json",
            {
                "release": release_name,
                "channels": "challenge",
                "sets": by_set,
                "total": _total(by_set.values()),
            },
        )
        write_manifest(
            folder,
            "write_canonical",
            inputs=[path for part in parts.values() for path in part.inputs],
            rows={name: table.height for name, table in tables.items()},
            settings={
                "source": source,
                "sets": sorted(sets),
                "records_sha256": {name: part.digest for name, part in parts.items()},
            },
        )


def _read_set(release: Path, name: str) -> _Set:
    files = read_records(release, name)
    path = outcomes_path(release, name)
    outcomes = read_outcomes(path)
    check_same_records(outcomes, path, files.contents, files.path)
    cleaned = clean(parse_records(files))
    events_per_stay = cleaned.events.group_by("stay_id").agg(n_events=pl.len().cast(pl.Int32))
    stays = (
        outcomes.sort("stay_id")
        .join(cleaned.descriptors, on="stay_id", how="left", maintain_order="left")
        .join(events_per_stay, on="stay_id", how="left", maintain_order="left")
        .with_columns(pl.col("n_events").fill_null(0), set=pl.lit(name))
    )
    counts = {
        "records": stays.height,
        "records_without_time_series": stays.filter(pl.col("n_events") == 0).height,
        "deaths": int(stays["in_hospital_death"].sum()),
        **cleaned.counts,
    }
    inputs = [path, files.path] if files.path.is_file() else [path]
    return _Set(stays, cleaned.events, counts, files.digest(), inputs)


def _public(stays: pl.DataFrame) -> pl.DataFrame:
    # The release names no patients, so that every stay counts as a patient of its own.
    return stays.select(
        "stay_id",
        pl.col("stay_id").alias("patient_id"),
        "set",
        "in_hospital_death",
        "length_of_stay",
        "survival",
        "saps1",
        "sofa",
        age=pl.col("Age").cast(pl.Float32),
        gender=pl.col("Gender").cast(pl.Int8),
        height=pl.col("Height").cast(pl.Float32),
        weight=pl.col("Weight").cast(pl.Float32),
        icu_type=pl.col("ICUType").cast(pl.Int8),
        n_events="n_events",
    )


def _static(stays: pl.DataFrame) -> pl.DataFrame:
    icu_types = {f"icu_{kind}": (pl.col("ICUType") == kind) for kind in (1, 2, 3, 4)}
    missing = {
        f"{name}_missing": pl.col(name.capitalize()).is_null()
        for name in ("gender", "height", "weight")
    }
    values = {name: pl.col(name.capitalize()) for name in ("age", "gender", "height", "weight")}
    features = {**values, **icu_types, **missing}
    return stays.select(
        "stay_id", **{name: features[name].cast(pl.Float32) for name in STATIC_FEATURES}
    )


def _total(counts: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up nested counts of equal shape; a key that is absent counts 0."""
    total: dict[str, Any] = {}
    for key in dict.fromkeys(key for count in counts for key in count):
        present = [count[key] for count in counts if key in count]
        total[key] = _total(present) if isinstance(present[0], Mapping) else sum(present)
    return total
