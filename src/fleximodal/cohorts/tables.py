"""Read the canonical tables: a missing file or column is said plainly."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fleximodal.errors import FleximodalError

KINDS = ("series", "items", "vectors", "table")


@dataclass(frozen=True)
class Matrix:
    """Where the values of a modality of kind `table` stand, and how they are scaled.

    `vectors` is the file of the matrix, a row per row of the modality's `table`; `features` that of
    its columns; `shape` the volume that the columns are voxels of, None if they are none.
    """

    vectors: str
    features: str
    scaling: str
    shape: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Modality:
    """One entry of `modalities.json`.

    `kind` is `series` (values of `columns` in the column `channel` of `table`), `items` (features
    `columns` of `table`, known at admission), `vectors` (items listed in `table`, to be encoded
    into the folder `encoded`; no columns) or `table` (one row per stay in `table`, its values in
    `matrix`; no columns). Of items and vectors a unit has one alone if `single`.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    table: str
    encoded: str | None = None
    matrix: Matrix | None = None
    single: bool = False


@dataclass(frozen=True)
class Release:
    """Which release the canonical tables were made of, and with which list of channels."""

    name: str
    channels: str


def scan_table(path: Path, columns: Sequence[str]) -> pl.LazyFrame:
    """Return the named columns of a Parquet file, not yet read.

    Raises
    ------
    FleximodalError
        If the file or one of the columns is absent.
    """
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; build that table first.")
    table = pl.scan_parquet(path)
    absent = sorted(set(columns) - set(table.collect_schema().names()))
    if absent:
        raise FleximodalError(f"{path} has no column {', '.join(absent)}; rebuild that table.")
    return table.select(columns)


def columns_of(path: Path) -> list[str]:
    """Return the names of the columns of a Parquet file.

    Raises
    ------
    FleximodalError
        If the file is absent.
    """
    scan_table(path, [])
    return pl.scan_parquet(path).collect_schema().names()


def read_modalities(canonical: Path, unit: str = "stay") -> list[Modality]:
    """Return the modalities of a unit (`stay`, ...) of a source, in the source's order.

    Raises
    ------
    FleximodalError
        If `modalities.json` is absent, does not know the unit, or has an unknown kind.
    """
    path = canonical / "modalities.json"
    if not path.is_file():
        raise FleximodalError(f"{path} does not exist; build the canonical tables first.")
    units = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(units, dict):
        raise FleximodalError(
            f"{path} is a list, but the modalities stand by unit since; build the tables again."
        )
    if not units.get(unit):
        raise FleximodalError(
            f"{path} has no modality of the unit {unit!r}, only of {', '.join(units) or 'none'}; "
            "choose a task of another unit or complete the source."
        )
    return [_modality(path, entry) for entry in units[unit]]


def _modality(path: Path, entry: dict[str, Any]) -> Modality:
    name, kind = entry["name"], entry["kind"]
    single = entry.get("single", False)
    if kind == "series":
        return Modality(name, kind, tuple(entry["channels"]), entry.get("table", "events.parquet"))
    if kind == "items":
        return Modality(name, kind, tuple(entry["features"]), entry["table"], single=single)
    if kind == "vectors":
        return Modality(name, kind, (), entry["table"], entry["encoded"], single=single)
    if kind == "table":
        shape = tuple(entry["shape"]) if entry.get("shape") else None
        matrix = Matrix(entry["vectors"], entry["features"], entry["scaling"], shape)
        return Modality(name, kind, (), entry["table"], matrix=matrix)
    raise FleximodalError(
        f"{path}: modality {name} has kind {kind!r}; use one of {', '.join(KINDS)}."
    )


def read_release(canonical: Path) -> Release:
    """Return the release and the list of channels that `counts.json` tells, else `unknown`."""
    path = canonical / "counts.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return Release(told.get("release", "unknown"), told.get("channels", "unknown"))
